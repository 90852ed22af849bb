"""FastAPI: the session and the user of a request as dependencies, for path operations and WebSocket endpoints.

    @app.get("/me")
    async def me(user: CurrentUser) -> dict[str, str]:
        return {"name": user.full_name}

The OpenAPI document shows a padlock on path operations that use one. ``FastAPI(exception_handlers=exception_handlers)``
answers 401 if ``require_session`` finds no session or the session has ended, and 503 if FotoWeb can't be reached.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, HTTPException, WebSocketException
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.requests import HTTPConnection
from fastapi.security.base import SecurityBase

from fotoweb_middleware.integrations.starlette import exception_handlers, not_signed_in
from fotoweb_middleware.responses import CHALLENGE
from fotoweb_middleware.session import Session, User, get_session

__all__ = ["CurrentUser", "OptionalSession", "SignedIn", "current_user", "exception_handlers", "signed_in"]


class SessionCookie(SecurityBase):
    """The session of a request, and the padlock in the OpenAPI document: an API key that comes as a cookie."""

    def __init__(self) -> None:
        self.scheme_name = "FotoWeb"
        self.model = APIKey.model_validate(
            {
                "in": APIKeyIn.cookie,
                "name": "fotoweb",
                "description": "Sign in with FotoWeb in this browser: it then sends the cookie by itself. Over https "
                "the cookie's name begins with `__Host-`.",
            }
        )

    async def __call__(self, connection: HTTPConnection) -> Session | None:
        """Return the session, or None."""
        return get_session(connection)


OptionalSession = Annotated[Session | None, Depends(SessionCookie())]
"""The session; None if nobody is signed in, on a public path or with ``FOTOWEB_LOGIN=optional``."""


async def signed_in(connection: HTTPConnection, session: OptionalSession) -> Session:
    """Return the session, or refuse the request."""
    if session is None:
        raise refusal(connection, 401, not_signed_in(connection), dict([CHALLENGE]))
    return session


SignedIn = Annotated[Session, Depends(signed_in)]
"""The session; 401 if nobody is signed in."""


async def current_user(connection: HTTPConnection, session: SignedIn) -> User:
    """Return who is signed in, or refuse the request."""
    if session.user is None:
        raise refusal(connection, 403, "FotoWeb did not say who you are: sign out, and in again")
    return session.user


CurrentUser = Annotated[User, Depends(current_user)]
"""The signed-in user; 401 if there is none. 403 if FotoWeb did not say who it is: it could not be asked at login, or
``FOTOWEB_FETCH_USER`` is off. ``SignedIn`` needs no user."""


def refusal(connection: HTTPConnection, status: int, detail: Any, headers: dict[str, str] | None = None) -> Exception:
    """Return the error that answers with a status; it refuses a WebSocket before it is accepted."""
    scope = connection.scope
    if scope["type"] == "websocket" and "websocket.http.response" not in (scope.get("extensions") or {}):
        return WebSocketException(4000 + status)
    return HTTPException(status, detail, headers)
