"""A FotoWeb login in front of any ASGI or WSGI app.

Read ``handler.py`` first: it tells what becomes of a request, and where each step is.
"""

from fotoweb_middleware.asgi import FotoWebASGIMiddleware
from fotoweb_middleware.errors import FotoWebMiddlewareError, SettingsError
from fotoweb_middleware.session import Session, User, get_session
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.wsgi import FotoWebWSGIMiddleware

__all__ = [
    "FotoWebASGIMiddleware",
    "FotoWebMiddlewareError",
    "FotoWebWSGIMiddleware",
    "Session",
    "Settings",
    "SettingsError",
    "User",
    "get_session",
]
