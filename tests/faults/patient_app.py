"""The same app behind the same middleware as ``fotoweb_middleware.wrap``, which waits for its Redis patiently.

By default half a second without an answer is an outage of the Redis. A machine that stands still for longer must not
look like one where nothing but the Redis keeps two groups of servers from refreshing one session both.
"""

from __future__ import annotations

from functools import partialmethod
from typing import TYPE_CHECKING, Any

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from tests.faults import pid_app

__all__ = ["asgi", "wsgi"]

PATIENT_SECONDS = 20.0

if TYPE_CHECKING:
    asgi: FotoWebASGIMiddleware
    wsgi: FotoWebWSGIMiddleware

for _face in (RedisCache, AsyncRedisCache):
    setattr(_face, "__init__", partialmethod(_face.__init__, timeout_seconds=PATIENT_SECONDS))  # noqa: B010 (mypy)


def __getattr__(name: str) -> Any:
    """Wrap the app when a server asks for it, as ``fotoweb_middleware.wrap`` does."""
    if name == "wsgi":
        return FotoWebWSGIMiddleware(pid_app.wsgi, Settings())
    if name == "asgi":
        return FotoWebASGIMiddleware(pid_app.asgi, Settings())
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
