"""No code at all: wraps the app that ``FOTOWEB_APP`` names.

``FOTOWEB_APP=mypackage.main:app uvicorn fotoweb_middleware.wrap:asgi`` or ``gunicorn fotoweb_middleware.wrap:wsgi``.

Importing this wraps nothing. Most servers ask for an attribute, which wraps the app, so that a wrong setting ends the
start. uWSGI and hypercorn look into the module's dictionary: there they find functions that wrap it when first called.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fotoweb_middleware.asgi import FotoWebASGIMiddleware
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.wsgi import FotoWebWSGIMiddleware

__all__ = ["asgi", "wsgi"]

if TYPE_CHECKING:
    asgi: FotoWebASGIMiddleware
    wsgi: FotoWebWSGIMiddleware

MIDDLEWARES: dict[str, Any] = {"asgi": FotoWebASGIMiddleware, "wsgi": FotoWebWSGIMiddleware}


@functools.cache
def wrapped(name: str) -> Any:
    """Return the app behind the middleware of this kind."""
    settings = Settings()
    return MIDDLEWARES[name](load_app(settings.app), settings)


class _Module(ModuleType):
    """This module's type: its properties go before what stands in its dictionary."""

    @property
    def asgi(self) -> Any:
        return wrapped("asgi")

    @property
    def wsgi(self) -> Any:
        return wrapped("wsgi")


_lock = threading.Lock()
"""A server's threads may all be the first to call."""


async def _call_asgi(scope: Any, receive: Any, send: Any) -> None:
    try:
        with _lock:
            app = wrapped("asgi")
    except SettingsError as error:
        if scope["type"] != "lifespan":
            raise
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await app(scope, receive, send)


def _call_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    with _lock:
        app = wrapped("wsgi")
    found: Iterable[bytes] = app(environ, start_response)
    return found


globals().update(asgi=_call_asgi, wsgi=_call_wsgi)
sys.modules[__name__].__class__ = _Module


def load_app(address: str | None, source: str = "FOTOWEB_APP") -> Any:
    """Import what ``FOTOWEB_APP``, or another source that messages name, gives as ``module:attribute``.

    Raises:
        SettingsError: The variable is not set, or there is no such module or attribute.
    """
    if address is None:
        raise SettingsError(
            "FOTOWEB_APP is not set. It names the app to wrap, as module:attribute, such as mypackage.main:app."
        )
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # As gunicorn and uvicorn do for the app that they are given.
    module_name, _, attribute = address.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # A module that the app imports is missing: its own traceback says it best.
        raise SettingsError(
            f"{source} holds {address!r}, but there is no module {error.name!r} in {folder} or on the Python path."
        ) from None
    try:
        return reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        raise SettingsError(
            f"{source} holds {address!r}, but {module_name!r} has no {attribute!r} ({error})."
        ) from None
