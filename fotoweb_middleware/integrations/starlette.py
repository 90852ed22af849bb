"""Starlette: ``request.user`` and ``@requires("authenticated")`` for whoever signed in to FotoWeb.

    app.add_middleware(AuthenticationMiddleware, backend=FotoWebAuthBackend())
    app.add_middleware(FotoWebASGIMiddleware, settings=settings)  # Added last, so it is the outer one.

``Starlette(exception_handlers=exception_handlers)`` answers 401 where ``require_session`` finds nobody or a session has
ended, and 503 where FotoWeb is out of reach.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from fotoweb_middleware.errors import FotoWebUnreachable, NotSignedIn, SessionEnded
from fotoweb_middleware.session import Session, get_session
from fotoweb_middleware.urls import login_url
from fotoweb_middleware.views.refusals import CHALLENGE
from fotoweb_middleware.websocket import CLOSE_CODE

__all__ = ["FotoWebAuthBackend", "FotoWebUser", "exception_handlers"]

TRY_AGAIN_LATER = 1013  # Of the registry that RFC 6455, 11.7, began.


class FotoWebUser(BaseUser):
    """Starlette's ``request.user`` of somebody who is signed in.

    Attributes:
        session: Their session; ``session.user`` is None where FotoWeb did not tell who it is.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def is_authenticated(self) -> bool:
        """True; Starlette has ``UnauthenticatedUser`` for everybody else."""
        return True

    @property
    def display_name(self) -> str:
        """The full name, else the login name, else ""."""
        user = self.session.user
        return "" if user is None else user.full_name or user.user_name

    @property
    def identity(self) -> str:
        """FotoWeb's key of the user in digits, unique within one FotoWeb site; "" where FotoWeb did not tell."""
        user = self.session.user
        return "" if user is None else str(user.user_id)


class FotoWebAuthBackend(AuthenticationBackend):
    """For ``AuthenticationMiddleware``: a ``FotoWebUser`` and the scope "authenticated" for each session."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return who is signed in, or None; called by Starlette."""
        session = get_session(conn)
        return None if session is None else (AuthCredentials(["authenticated"]), FotoWebUser(session))


def not_authenticated(connection: HTTPConnection) -> dict[str, str]:
    """Return what a 401 says. ``login_url`` is as in the middleware's own: the caller adds ``?next=`` to it."""
    return {"message": "Not authenticated", "login_url": login_url(connection).partition("?")[0]}


async def _ask_to_sign_in(connection: HTTPConnection, _: Exception) -> Response | None:
    if isinstance(connection, WebSocket):
        await _close(connection, CLOSE_CODE)
        return None
    return JSONResponse({"detail": not_authenticated(connection)}, 401, headers=dict([CHALLENGE]))


async def _ask_to_wait(connection: HTTPConnection, error: FotoWebUnreachable) -> Response | None:
    if isinstance(connection, WebSocket):
        await _close(connection, TRY_AGAIN_LATER)
        return None
    seconds = max(1, math.ceil(error.retry_after_seconds or 0))
    return JSONResponse({"detail": "FotoWeb is out of reach"}, 503, headers={"Retry-After": str(seconds)})


async def _close(websocket: WebSocket, code: int) -> None:
    with contextlib.suppress(WebSocketDisconnect):  # The browser, or the middleware, was first.
        await websocket.close(code)


exception_handlers: dict[int | type[Exception], Callable[[Any, Any], Coroutine[Any, Any, Any]]] = {
    NotSignedIn: _ask_to_sign_in,
    SessionEnded: _ask_to_sign_in,
    FotoWebUnreachable: _ask_to_wait,
}
"""For ``Starlette(exception_handlers=…)`` and ``FastAPI(exception_handlers=…)``: 401 and 503, or a WebSocket that is
closed with 4401 and 1013."""
