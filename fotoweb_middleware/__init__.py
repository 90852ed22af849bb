"""A FotoWeb login in front of any ASGI or WSGI app.

Read ``handler.py`` first: it tells what becomes of a request, and where each step is.
"""

from fotoweb_middleware.asgi import FotoWebASGIMiddleware
from fotoweb_middleware.errors import (
    FotoWebMiddlewareError,
    FotoWebUnreachable,
    NotSignedIn,
    SessionEnded,
    SettingsError,
)
from fotoweb_middleware.session import Session, User, get_session, require_session
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.tickets import session_from_ticket
from fotoweb_middleware.urls import login_url, logout_url
from fotoweb_middleware.wsgi import FotoWebWSGIMiddleware

__all__ = [
    "FotoWebASGIMiddleware",
    "FotoWebMiddlewareError",
    "FotoWebUnreachable",
    "FotoWebWSGIMiddleware",
    "NotSignedIn",
    "Session",
    "SessionEnded",
    "Settings",
    "SettingsError",
    "User",
    "get_session",
    "login_url",
    "logout_url",
    "require_session",
    "session_from_ticket",
]
