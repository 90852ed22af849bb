"""The apps of ``servers``, which import what they serve, such as ``tests.benchmarks.served:wrapped_asgi``."""

from __future__ import annotations

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from tests.benchmarks.requests import asgi_app as bare_asgi
from tests.benchmarks.requests import wsgi_app as bare_wsgi
from tests.benchmarks.sites import SETTINGS

__all__ = ["bare_asgi", "bare_wsgi", "wrapped_asgi", "wrapped_wsgi"]

wrapped_asgi = FotoWebASGIMiddleware(bare_asgi, Settings(**SETTINGS))
wrapped_wsgi = FotoWebWSGIMiddleware(bare_wsgi, Settings(**SETTINGS))
