"""The apps of part b, for servers that import what they serve, such as ``tests.benchmarks.served:wrapped_asgi``.

A process makes the one that it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from starlette.middleware.sessions import SessionMiddleware

from tests.benchmarks.peers import KEY, flask_app
from tests.benchmarks.requests import asgi_app, wsgi_app
from tests.benchmarks.sessions import Wrapped

CHANGES = {name: value for name in ("url", "cache") if (value := os.environ.get(f"BENCH_{name.upper()}")) is not None}
"""Settings that are not the defaults; not FOTOWEB_*, which this must not depend on."""

MAKERS: dict[str, Callable[[], Any]] = {
    "bare_asgi": lambda: asgi_app,
    "wrapped_asgi": lambda: Wrapped(asgi_app, is_asgi=True, changes=CHANGES).middleware,
    "starlette_asgi": lambda: SessionMiddleware(asgi_app, KEY),
    "bare_wsgi": lambda: wsgi_app,
    "wrapped_wsgi": lambda: Wrapped(wsgi_app, is_asgi=False, changes=CHANGES).middleware,
    "flask_wsgi": lambda: flask_app(KEY),
    "bare_flask_wsgi": lambda: flask_app(None),
}


def __getattr__(name: str) -> Any:
    """Make an app when a server asks for it."""
    if name not in MAKERS:
        raise AttributeError(name)
    app = MAKERS[name]()
    globals()[name] = app
    return app
