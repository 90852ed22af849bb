"""``get_session`` for whatever a framework calls a request."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import django.conf
import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from flask import Request as FlaskRequest
from starlette.requests import Request as StarletteRequest
from starlette.websockets import WebSocket

from fotoweb_middleware.session import SESSION_KEY, Session, get_session

SESSION = Session("AT", "bearer", None, None)


def scope(**more: Any) -> dict[str, Any]:
    """Return an ASGI scope."""
    return {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", **more}


def environ(**more: Any) -> dict[str, Any]:
    """Return a WSGI environ."""
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "wsgi.input": io.BytesIO(), **more}


def carriers(**more: Any) -> list[object]:
    """Return every kind of request with this in its scope or environ."""
    if not django.conf.settings.configured:
        django.conf.settings.configure()
    return [
        scope(**more),
        environ(**more),
        StarletteRequest(scope(**more)),
        WebSocket({**scope(**more), "type": "websocket"}, None, None),  # type: ignore[arg-type]
        FlaskRequest(environ(**more)),
        WSGIRequest(environ(**more)),
        ASGIRequest(scope(**more), io.BytesIO()),
        SimpleNamespace(scope=scope(**more)),
        SimpleNamespace(environ=environ(**more)),
        SimpleNamespace(META=environ(**more)),
    ]


def test_session() -> None:
    """Every kind of request gives the session."""
    assert [get_session(carrier) for carrier in carriers(**{SESSION_KEY: SESSION})] == [SESSION] * 10


def test_nobody() -> None:
    """Where nobody is logged in there is None."""
    assert [get_session(carrier) for carrier in carriers()] == [None] * 10


def test_something_else() -> None:
    """What is not a session of ours is none."""
    assert get_session({SESSION_KEY: "S3CR3T"}) is None


@pytest.mark.parametrize("thing", [None, 7, "x", object(), [], SimpleNamespace(scope=None, environ=7)])
def test_no_request(thing: object) -> None:
    """What is no request at all is an error that names its type."""
    with pytest.raises(TypeError, match=f"not {type(thing).__name__}"):
        get_session(thing)


def test_error_holds_no_value() -> None:
    """The error shows no value."""
    with pytest.raises(TypeError) as caught:
        get_session("S3CR3T")
    assert "S3CR3T" not in str(caught.value)
