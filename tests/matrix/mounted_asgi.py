"""The wrapped app below a path of a Starlette app."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount

from fotoweb_middleware.wrap import asgi as wrapped
from tests.matrix.pairs import MOUNT

__all__ = ["asgi"]

asgi = Starlette(routes=[Mount(MOUNT, app=wrapped)])
