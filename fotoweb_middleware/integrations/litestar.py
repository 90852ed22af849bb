"""Litestar: the middleware as a plugin, the session as a dependency, and a guard.

    app = Litestar([reports], plugins=[FotoWebPlugin()])

The plugin puts the middleware around the whole app, its routing and error pages included, when the app starts (its
lifespan). If nothing runs the lifespan, because the server has none or the app is mounted in another, wrap the app by
hand, ``FotoWebASGIMiddleware(app)``, and use ``FotoWebPlugin(add_middleware=False)``. Without either, the app answers
503.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Litestar, Request, Response
from litestar.config.app import AppConfig
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    ServiceUnavailableException,
    WebSocketException,
)
from litestar.exceptions.responses import create_exception_response
from litestar.handlers import BaseRouteHandler
from litestar.plugins import InitPlugin
from litestar.types import ASGIApp, Receive, Scope, Send

from fotoweb_middleware.asgi import FotoWebASGIMiddleware
from fotoweb_middleware.errors import FotoWebUnreachable, NotSignedIn, SessionEnded
from fotoweb_middleware.responses import CHALLENGE, NOT_SIGNED_IN, UNAVAILABLE, retry_after
from fotoweb_middleware.session import Session, get_session
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.urls import has_middleware, login_path
from fotoweb_middleware.websocket import CLOSE_CODE, TRY_AGAIN_LATER

__all__ = ["FotoWebPlugin", "signed_in"]


class FotoWebPlugin(InitPlugin):
    """Adds the middleware, the dependency ``fotoweb_session`` (a ``Session``, or None), and answers to our errors.

    ``NotSignedIn`` and ``SessionEnded`` become a 401, or close a WebSocket with 4401; ``FotoWebUnreachable`` becomes a
    503, or closes it with 1013.

    Args:
        settings: None: read from the ``FOTOWEB_*`` variables.
        add_middleware: False where the app is wrapped by hand; ``settings`` and ``options`` then are that middleware's.
        options: Other arguments for ``FotoWebASGIMiddleware``.

    Raises:
        SettingsError: A setting is missing or wrong.
    """

    def __init__(self, settings: Settings | None = None, *, add_middleware: bool = True, **options: Any) -> None:
        self._settings = Settings() if settings is None and add_middleware else settings
        self._add_middleware = add_middleware
        self._options = options

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Prepare the app; called by Litestar."""
        if self._add_middleware:
            app_config.on_startup.insert(0, self._wrap)
        app_config.middleware.insert(0, require_middleware)
        app_config.dependencies.setdefault("fotoweb_session", Provide(session_of_request, sync_to_thread=False))
        ours: dict[int | type[Exception], Callable[[Any, Any], Response[Any]]]
        ours = {
            NotSignedIn: _handle_not_signed_in,
            SessionEnded: _handle_not_signed_in,
            FotoWebUnreachable: _handle_unreachable,
        }
        app_config.after_exception.append(_end_websocket)
        app_config.exception_handlers = {**ours, **app_config.exception_handlers}
        return app_config

    def _wrap(self, app: Litestar) -> None:
        # Litestar's own middleware runs after routing, which knows nothing of our pages; only this is around all of it.
        if not isinstance(app.asgi_handler, FotoWebASGIMiddleware):
            app.asgi_handler = FotoWebASGIMiddleware(app.asgi_handler, self._settings, **self._options)


def require_middleware(app: ASGIApp) -> ASGIApp:
    """Return an app that serves nothing that did not come through the middleware."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if not has_middleware(scope):
            raise ServiceUnavailableException(  # Litestar hides the message of a 500.
                "FotoWebPlugin adds the middleware when the app starts, and this app was not started: run its lifespan "
                "(`with TestClient(app)`), or wrap it with FotoWebASGIMiddleware(app) and give the plugin "
                "add_middleware=False"
            )
        await app(scope, receive, send)

    return serve


def session_of_request(scope: Scope) -> Session | None:
    """Return the session of the logged-in user, or None: the dependency ``fotoweb_session``."""
    return get_session(scope)


def signed_in(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard for handlers, controllers and routers: 401, or 4401 for a WebSocket, if nobody is signed in."""
    if get_session(connection) is not None:
        return
    if connection.scope["type"] == ScopeType.WEBSOCKET:
        raise WebSocketException(detail=NOT_SIGNED_IN, code=CLOSE_CODE)
    raise not_authorized(connection)


def not_authorized(connection: ASGIConnection[Any, Any, Any, Any]) -> HTTPException:
    """Return the 401. ``login_url`` is as in the middleware's own: the caller adds ``?next=`` to it."""
    extra = {"login_url": login_path(connection)}
    return NotAuthorizedException(NOT_SIGNED_IN, headers=dict([CHALLENGE]), extra=extra)


def _handle_not_signed_in(request: Request[Any, Any, Any], _: Exception) -> Response[Any]:
    return create_exception_response(request, not_authorized(request))


def _handle_unreachable(request: Request[Any, Any, Any], error: FotoWebUnreachable) -> Response[Any]:
    headers = {"Retry-After": retry_after(error.retry_after_seconds)}
    return create_exception_response(request, ServiceUnavailableException(UNAVAILABLE, headers=headers))


async def _end_websocket(error: Exception, scope: Scope) -> None:
    # Litestar asks no exception handler about a WebSocket: it closes it with the code of the error, else with 4500.
    if scope["type"] == ScopeType.WEBSOCKET and isinstance(error, (NotSignedIn, SessionEnded)):
        raise WebSocketException(detail=NOT_SIGNED_IN, code=CLOSE_CODE) from error
    if scope["type"] == ScopeType.WEBSOCKET and isinstance(error, FotoWebUnreachable):
        raise WebSocketException(detail=UNAVAILABLE, code=TRY_AGAIN_LATER) from error
