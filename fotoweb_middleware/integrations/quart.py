"""Quart: as in ``integrations.flask``, for requests and WebSockets."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from inspect import signature
from typing import Any, cast

from quart import Quart, abort, current_app, has_websocket_context, request, websocket
from quart.globals import app_ctx
from werkzeug.local import LocalProxy

from fotoweb_middleware.asgi import FotoWebASGIMiddleware
from fotoweb_middleware.errors import FotoWebUnreachable, NotSignedIn
from fotoweb_middleware.integrations.flask import CHALLENGE, View, configure, http_error
from fotoweb_middleware.responses import NOT_SIGNED_IN
from fotoweb_middleware.session import Session, get_session
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.websocket import CLOSE_CODE, TRY_AGAIN_LATER

__all__ = ["FotoWeb", "current_session", "login_required"]

TAKES_CONTEXT = "ctx" in signature(Quart.handle_http_exception).parameters  # From Quart 0.23 on.

connection = LocalProxy(lambda: websocket if has_websocket_context() else request)

current_session = cast("Session", LocalProxy(lambda: get_session(connection)))
"""The session of this request or WebSocket; falsy if nobody is signed in. It exists only in the view: pass
``require_session(request)`` to anything that outlives it (a stream, a background task)."""


class FotoWeb:
    """Puts a FotoWeb login in front of a Quart app: see ``integrations.flask.FotoWeb``.

    In a WebSocket, ``SessionEnded`` closes it with 4401, and ``FotoWebUnreachable`` with 1013.

    Args:
        app: None if you call ``init_app`` later.
        settings: None: read from the ``FOTOWEB_*`` variables, then from ``app.config``.
        options: Other arguments for ``FotoWebASGIMiddleware``.

    Raises:
        SettingsError: A setting is missing or wrong.
    """

    def __init__(self, app: Quart | None = None, *, settings: Settings | None = None, **options: Any) -> None:
        self._settings = settings
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Wrap an app: see ``integrations.flask.FotoWeb.init_app``."""
        settings = configure(app, self._settings, connection, handle_error)
        app.asgi_app = FotoWebASGIMiddleware(app.asgi_app, settings, **self._options)  # type: ignore[method-assign]


def login_required(view: View) -> View:
    """Decorate a sync or async view, or a WebSocket: it answers 401 if nobody is signed in."""

    @wraps(view)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        if get_session(connection) is None:
            abort(401, NOT_SIGNED_IN, www_authenticate=CHALLENGE)
        return await current_app.ensure_async(view)(*args, **kwargs)

    return cast("View", guarded)


async def handle_error(error: Exception) -> Any:
    """Return the app's own answer to one of our errors; a WebSocket that had a session is closed with a code."""
    if not isinstance(error, NotSignedIn) and has_websocket_context():
        with suppress(OSError):  # The middleware has closed it already.
            await websocket.accept()  # A browser sees no code of a WebSocket that was never accepted.
            await websocket.close(TRY_AGAIN_LATER if isinstance(error, FotoWebUnreachable) else CLOSE_CODE)
    context = [app_ctx._get_current_object()] if TAKES_CONTEXT else []  # noqa: SLF001 (documented)
    find_answer: Any = current_app.handle_http_exception
    return await find_answer(*context, http_error(error))
