"""The session of the request at hand, for the wrapped app."""

from __future__ import annotations

from collections.abc import Mapping

from fotoweb_middleware.model import Session

__all__ = ["SESSION_KEY", "get_session"]

SESSION_KEY = "fotoweb.session"


def get_session(request: object) -> Session | None:
    """Return the session of the logged-in user, or None where nobody is logged in.

    Args:
        request: A Starlette, FastAPI, Quart, Django or Flask request, an ASGI scope, or a WSGI environ.

    Raises:
        TypeError: It is none of these.
    """
    carriers = (request, *(getattr(request, name, None) for name in ("scope", "environ", "META")))
    found = False
    for carrier in carriers:
        if isinstance(carrier, Mapping):
            found = True
            session = carrier.get(SESSION_KEY)
            if isinstance(session, Session):
                return session
    if found:
        return None
    msg = f"get_session takes a request, an ASGI scope or a WSGI environ, not {type(request).__name__}"
    raise TypeError(msg)
