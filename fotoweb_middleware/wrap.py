"""No code at all: wraps the app that ``FOTOWEB_APP`` names.

``FOTOWEB_APP=mypackage.main:app uvicorn fotoweb_middleware.wrap:asgi`` or ``gunicorn fotoweb_middleware.wrap:wsgi``.
"""

from __future__ import annotations

import importlib
import sys
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fotoweb_middleware
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings

__all__ = ["asgi", "wsgi"]

if TYPE_CHECKING:
    asgi: fotoweb_middleware.FotoWebASGIMiddleware
    wsgi: fotoweb_middleware.FotoWebWSGIMiddleware

DOORS = {"asgi": "FotoWebASGIMiddleware", "wsgi": "FotoWebWSGIMiddleware"}
"""Public names, imported when they are asked for: an app uses one door only."""


def __getattr__(name: str) -> Any:
    """Wrap the app when a server asks for it, and not on import."""
    if name not in DOORS:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    settings = Settings()
    door = getattr(fotoweb_middleware, DOORS[name])
    wrapped = door(load_app(settings.app), settings)
    globals()[name] = wrapped
    return wrapped


def load_app(address: str | None) -> Any:
    """Import the app that ``FOTOWEB_APP`` names, as ``module:attribute``.

    Raises:
        SettingsError: The variable is not set, or there is no such module or attribute.
    """
    if address is None:
        msg = "FOTOWEB_APP is not set. It names the app to wrap, as module:attribute, such as mypackage.main:app."
        raise SettingsError(msg)
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # gunicorn and uvicorn do so for the app they are given; this is our app
    module_name, _, attribute = address.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # The app itself misses something: its own traceback says it best.
        msg = f"FOTOWEB_APP holds {address!r}, but there is no module {error.name!r} in {folder} or on the Python path."
        raise SettingsError(msg) from None
    try:
        return reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        msg = f"FOTOWEB_APP holds {address!r}, but {module_name!r} has no {attribute!r} ({error})."
        raise SettingsError(msg) from None
