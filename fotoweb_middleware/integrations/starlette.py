"""Starlette: ``request.user`` and ``@requires("authenticated")`` for people signed in to FotoWeb.

    app.add_middleware(AuthenticationMiddleware, backend=FotoWebAuthBackend())
    app.add_middleware(FotoWebASGIMiddleware, settings=settings)  # Added last, so it is the outer one.

``Starlette(exception_handlers=exception_handlers)`` answers 401 if ``require_session`` finds no session or the session
has ended, and 503 if FotoWeb can't be reached.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from fotoweb_middleware.errors import FotoWebUnreachable, NotSignedIn, SessionEnded
from fotoweb_middleware.responses import CHALLENGE, NOT_SIGNED_IN, UNAVAILABLE, retry_after
from fotoweb_middleware.session import Session, get_session
from fotoweb_middleware.urls import login_path
from fotoweb_middleware.websocket import CLOSE_CODE, TRY_AGAIN_LATER

__all__ = ["FotoWebAuthBackend", "FotoWebUser", "exception_handlers"]


class FotoWebUser(BaseUser):
    """Starlette's ``request.user`` for somebody who is signed in.

    Attributes:
        session: Their session; ``session.user`` is None if FotoWeb did not say who it is.
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
        """The user's number in FotoWeb, as text; unique within one FotoWeb site. "" if FotoWeb did not say."""
        user = self.session.user
        return "" if user is None else str(user.user_id)


class FotoWebAuthBackend(AuthenticationBackend):
    """For ``AuthenticationMiddleware``: a ``FotoWebUser`` and the scope "authenticated" for each session."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return who is signed in, or None; called by Starlette.

        Raises:
            TypeError: The connection did not come through the FotoWeb middleware.
        """
        session = get_session(conn)
        if session is None:
            login_path(conn)  # Raises where the middleware is missing, which would else be a 403 without a reason.
            return None
        return AuthCredentials(["authenticated"]), FotoWebUser(session)


def not_signed_in(connection: HTTPConnection) -> dict[str, str]:
    """Return what a 401 says. ``login_url`` is as in the middleware's own: the caller adds ``?next=`` to it."""
    return {"message": NOT_SIGNED_IN, "login_url": login_path(connection)}


async def _handle_not_signed_in(connection: HTTPConnection, _: Exception) -> Response | None:
    response = JSONResponse({"detail": not_signed_in(connection)}, 401, headers=dict([CHALLENGE]))
    return await _answer(connection, response, CLOSE_CODE)


async def _handle_unreachable(connection: HTTPConnection, error: FotoWebUnreachable) -> Response | None:
    headers = {"Retry-After": retry_after(error.retry_after_seconds)}
    return await _answer(connection, JSONResponse({"detail": UNAVAILABLE}, 503, headers=headers), TRY_AGAIN_LATER)


async def _answer(connection: HTTPConnection, response: Response, close_code: int) -> Response | None:
    """Return the response to a request. Refuse a WebSocket with it where the server can, else close it with a code."""
    if not isinstance(connection, WebSocket):
        return response
    is_accepted = connection.application_state is not WebSocketState.CONNECTING
    with contextlib.suppress(WebSocketDisconnect):  # The browser, or the middleware, was first.
        if is_accepted or "websocket.http.response" not in (connection.scope.get("extensions") or {}):
            await connection.close(close_code)
        else:
            await connection.send_denial_response(response)
    return None


exception_handlers: dict[int | type[Exception], Callable[[Any, Any], Coroutine[Any, Any, Any]]] = {
    NotSignedIn: _handle_not_signed_in,
    SessionEnded: _handle_not_signed_in,
    FotoWebUnreachable: _handle_unreachable,
}
"""For ``Starlette(exception_handlers=…)`` and ``FastAPI(exception_handlers=…)``: answers 401 and 503. A WebSocket that
is open, or that the server can't refuse with a status, is closed with 4401 or 1013."""
