"""The wrapped app for uWSGI, which finds only what stands in a module; ``wrap`` makes it on demand."""

from __future__ import annotations

from fotoweb_middleware.wrap import wsgi

__all__ = ["wsgi"]
