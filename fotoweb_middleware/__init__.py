"""A FotoWeb login in front of any ASGI or WSGI app.

The way of a request, and where to read on:

    asgi, wsgi          the two doors
    gate                the order of the stages
    stages              classify -> lookup -> refresh -> supply
    journeys            login, callback, logout, status: the ways off the road
    site                one wrapped app: settings made ready, keys, clocks, memory
    fotoweb, cookies    the wire formats; pages: what people see
    effects, drivers    what may block, as values, and who carries it out
    caches              sealed bytes under keys, and leases

docs/where-is-it.md leads from a behaviour to its function and its test.
"""

from fotoweb_middleware.asgi import FotoWebASGIMiddleware
from fotoweb_middleware.current import get_session
from fotoweb_middleware.errors import FotoWebMiddlewareError, SettingsError
from fotoweb_middleware.model import Session, User
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
