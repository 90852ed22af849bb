"""What users write, as a type checker sees it. Read by mypy and by pyright in its strict mode; nobody runs it.

A name that vanishes, an argument that changes or a type that turns into Any shows here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

from asgiref.typing import ASGI2Protocol, ASGIReceiveCallable, ASGISendCallable, Scope
from django.http import HttpRequest  # pyright: ignore[reportMissingTypeStubs] (Django ships none)
from fastapi import FastAPI
from flask import Request as FlaskRequest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.websockets import WebSocket

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Session, Settings, User, get_session
from fotoweb_middleware.errors import FotoWebMiddlewareError, SettingsError
from fotoweb_middleware.events import Event, EventName


async def asgi_app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Stands for a user's ASGI 3 app."""


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Stands for a user's WSGI app."""
    raise NotImplementedError


def one_line(older_app: type[ASGI2Protocol]) -> None:
    """An app is wrapped in one line, everything else comes from the environment."""
    FotoWebASGIMiddleware(asgi_app)
    FotoWebASGIMiddleware(older_app)
    FotoWebASGIMiddleware(FastAPI())
    FotoWebASGIMiddleware(Starlette())
    FotoWebWSGIMiddleware(wsgi_app)


def own_settings() -> None:
    """Or from a Settings object."""
    settings = Settings(
        url="https://tenant.example",
        client_id="client",
        client_secret="client-secret",
        secret_key="0123456789abcdef0123456789abcdef",
        public_paths=("/health", "/static/*"),
        login="optional",
        session_lifetime=3600,
    )
    FotoWebASGIMiddleware(asgi_app, settings=settings)
    FotoWebWSGIMiddleware(wsgi_app, settings=settings)
    Starlette().add_middleware(FotoWebASGIMiddleware, settings=settings)
    FastAPI().add_middleware(FotoWebASGIMiddleware, settings=settings)


def on_event(event: Event) -> None:
    """Take an event: its parts have types."""
    assert_type(event.name, EventName)
    assert_type(event.level, int)
    assert_type(event.session, str | None)
    assert_type(event.request_id, str | None)
    assert_type(event.fields.get("cause"), str | float | None)
    if event.name == "refresh_failed" or event.name is EventName.LOGIN_FAILED:
        raise NotImplementedError


async def on_event_async(event: Event) -> None:
    """Take an event under ASGI."""


def authorize(session: Session) -> bool:
    """Say who may enter."""
    raise NotImplementedError


async def authorize_async(session: Session) -> bool:
    """Say who may enter, under ASGI."""
    raise NotImplementedError


def who_may_enter() -> None:
    """Both middlewares take the app's callables."""
    FotoWebASGIMiddleware(asgi_app, authorize=authorize, on_login=authorize)
    FotoWebASGIMiddleware(asgi_app, authorize=authorize_async, on_login=authorize_async)
    FotoWebWSGIMiddleware(wsgi_app, authorize=authorize, on_login=authorize)
    Starlette().add_middleware(FotoWebASGIMiddleware, authorize=authorize_async)
    Settings(allowed_users=["alice", "@example.com"])


def callbacks() -> None:
    """Both middlewares take a callback."""
    FotoWebASGIMiddleware(asgi_app, on_event=on_event)
    FotoWebASGIMiddleware(asgi_app, on_event=on_event_async)
    FotoWebWSGIMiddleware(wsgi_app, on_event=on_event)


def what_settings_hold(settings: Settings) -> None:
    """Each setting has its type; a secret has to be asked for by name."""
    assert_type(settings.url, str)
    assert_type(settings.login, Literal["required", "optional"])
    assert_type(settings.public_paths, tuple[str, ...])
    assert_type(settings.ca_bundle, str | None)
    assert_type(settings.http_timeout, float)
    assert_type(settings.client_secret.get_secret_value(), str)
    assert_type(settings.secret_keys, tuple[str, ...])
    assert_type(replace(settings, pkce=False), Settings)
    settings.pkce = False  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] (they are frozen)


class OthersSecret:
    """Stands for a secret of another library, such as pydantic's."""

    def get_secret_value(self) -> str:
        """Return the secret."""
        raise NotImplementedError


def secrets_of_other_libraries(secret: OthersSecret) -> Settings:
    """Secrets of any library are taken."""
    return Settings(client_secret=secret, secret_key=[secret, "0123456789abcdef0123456789abcdef"])


def sessions(
    request: Request,
    connection: HTTPConnection,
    websocket: WebSocket,
    flask_request: FlaskRequest,
    django_request: HttpRequest,
    scope: dict[str, Any],
    environ: WSGIEnvironment,
) -> None:
    """The session is found in whatever a framework hands over."""
    assert_type(get_session(request), Session | None)
    assert_type(get_session(connection), Session | None)
    assert_type(get_session(websocket), Session | None)
    assert_type(get_session(flask_request), Session | None)
    assert_type(get_session(django_request), Session | None)
    assert_type(get_session(scope), Session | None)
    assert_type(get_session(environ), Session | None)


def what_a_session_holds(session: Session, user: User) -> None:
    """The session's attributes, and no more than these."""
    assert_type(session.access_token, str)
    assert_type(session.token_type, str)
    assert_type(session.expires_at, float | None)
    assert_type(session.user, User | None)
    assert_type(user.user_name, str)
    assert_type(user.full_name, str)
    assert_type(user.email, str)


def one_root_of_errors(error: SettingsError) -> FotoWebMiddlewareError:
    """Whoever catches the root catches everything."""
    assert_type(error.code, str)
    return error
