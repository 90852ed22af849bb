"""The wrapped app below a path, by Werkzeug's ``DispatcherMiddleware``."""

from __future__ import annotations

from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from fotoweb_middleware.wrap import wsgi as wrapped
from tests.matrix.pairs import MOUNT

__all__ = ["wsgi"]

wsgi = DispatcherMiddleware(NotFound(), {MOUNT: wrapped})
