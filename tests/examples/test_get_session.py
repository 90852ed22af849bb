"""``get_session`` with the real request objects of each framework."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from flask import Flask
from flask import request as flask_request
from quart import Quart
from quart import request as quart_request
from starlette.requests import Request
from starlette.websockets import WebSocket

from fotoweb_middleware import NotSignedIn, Session, get_session, require_session
from fotoweb_middleware.session import warn_of_missing_middleware
from tests.examples.conftest import LoadExample

SESSION = Session("token", "bearer", None, None)


async def nothing(*_: Any) -> Any:
    """Stand for receive and send."""


def scope(kind: str = "http", session: Session | None = SESSION) -> dict[str, Any]:
    """Return the scope of a request that carries a session, or none."""
    plain = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http" if kind == "http" else "ws",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "server": ("localhost", 8000),
        "subprotocols": [],
    }
    return plain if session is None else {**plain, "fotoweb.session": session}


def environ(session: Session | None = SESSION) -> dict[str, Any]:
    """Return the environ of a request that carries a session, or none."""
    plain: dict[str, Any] = {}
    with Flask(__name__).test_request_context("/") as context:
        plain.update(context.request.environ)
    return plain if session is None else {**plain, "fotoweb.session": session}


@pytest.mark.parametrize("session", [SESSION, None])
class TestGetSession:
    """The session where there is one, None where nobody is logged in."""

    def test_of_a_scope(self, session: Session | None) -> None:
        """An ASGI scope will do."""
        assert get_session(scope(session=session)) is session

    def test_of_an_environ(self, session: Session | None) -> None:
        """A WSGI environ will do."""
        assert get_session(environ(session)) is session

    def test_of_a_starlette_request(self, session: Session | None) -> None:
        """Starlette's and FastAPI's requests, which are mappings themselves."""
        assert get_session(Request(scope(session=session))) is session

    def test_of_a_starlette_websocket(self, session: Session | None) -> None:
        """Starlette's and FastAPI's WebSockets."""
        assert get_session(WebSocket(scope("websocket", session), nothing, nothing)) is session

    def test_of_a_django_asgi_request(self, session: Session | None, load_example: LoadExample) -> None:
        """Django's request under ASGI."""
        load_example("django_app")  # Django makes no request before it is configured.

        with_body: Any = ASGIRequest(scope(session=session), None)

        assert get_session(with_body) is session

    def test_of_a_django_wsgi_request(self, session: Session | None, load_example: LoadExample) -> None:
        """Django's request under WSGI."""
        load_example("django_app")

        assert get_session(WSGIRequest(environ(session))) is session

    def test_of_flask(self, session: Session | None) -> None:
        """Flask's ``request``, which stands for the request at hand."""
        with Flask(__name__).request_context(environ(session)):
            assert get_session(flask_request) is session

    def test_of_quart(self, session: Session | None) -> None:
        """Quart's ``request``, which does the same under ASGI."""

        async def ask() -> Session | None:
            app = Quart(__name__)
            async with app.test_request_context("/", scope_base=scope(session=session)):
                return get_session(quart_request)

        assert asyncio.run(ask()) is session


def test_without_the_middleware(caplog: pytest.LogCaptureFixture) -> None:
    """A request that did not come through it is told, once in the log; ``require_session`` says so each time."""
    warn_of_missing_middleware.cache_clear()

    assert [get_session(scope(session=None)) for _ in range(2)] == [None, None]
    with pytest.raises(NotSignedIn, match="did not come through the FotoWeb middleware"):
        require_session(scope(session=None))
    assert [record.message.count("did not come through") for record in caplog.records] == [1]


def test_anything_else_is_refused() -> None:
    """An object that is no request is a mistake of the caller's, which None would hide."""
    with pytest.raises(TypeError, match="str"):
        get_session("GET /")
