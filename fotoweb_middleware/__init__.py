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

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

HOMES = {
    "FotoWebASGIMiddleware": "asgi",
    "FotoWebMiddlewareError": "errors",
    "FotoWebWSGIMiddleware": "wsgi",
    "Session": "model",
    "Settings": "settings",
    "SettingsError": "errors",
    "User": "model",
    "get_session": "current",
}
"""The module of each public name: it is imported when the name is first asked for. An app uses one door only."""


if not TYPE_CHECKING:  # Type checkers would believe that every name is there.

    def __getattr__(name: str) -> Any:
        """Import a public name (PEP 562)."""
        if name not in HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names too, imported or not."""
    return sorted({*globals(), *__all__})
