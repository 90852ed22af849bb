"""No code at all: wraps the app that ``FOTOWEB_APP`` names.

``FOTOWEB_APP=mypackage.main:app uvicorn fotoweb_middleware.wrap:asgi`` or ``gunicorn fotoweb_middleware.wrap:wsgi``.
"""

from __future__ import annotations

import importlib
import sys
from functools import reduce
from pathlib import Path
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


def __getattr__(name: str) -> Any:
    """Wrap the app when a server asks for it, and not on import."""
    if name not in MIDDLEWARES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    settings = Settings()
    wrapped = MIDDLEWARES[name](load_app(settings.app), settings)
    globals()[name] = wrapped
    return wrapped


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
