"""The same app behind the same middleware as ``fotoweb_middleware.wrap``, with a cache that waits at the stop points.

It stands for whatever keeps a worker at an unlucky moment: a full disk, a sleeping machine, the kernel's out-of-memory
killer on its way.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.caches.opening import open_async_cache, open_cache
from fotoweb_middleware.caches.protocol import AsyncCache, Cache, Lease, SaveOutcome, Stored
from tests.faults import pid_app
from tests.faults.stop_points import stop_async_at, stop_at

__all__ = ["asgi", "wsgi"]

WORKS_ALONE: ContextVar[bool] = ContextVar("WORKS_ALONE", default=False)
"""Whether this thread or task has just taken the lease of a refresh; a task's own tasks inherit it."""


def is_refresh(key: str) -> bool:
    """Return whether a lease is one for a refresh, and not a claim of something that may be used once."""
    return key.startswith("session:")


class StoppingCache:
    """A blocking cache that waits at the points."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.shared = cache.shared

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        stored = self._cache.load(key)
        if WORKS_ALONE.get():
            WORKS_ALONE.set(False)
            stop_at("asking")
        return stored

    def save(self, key: str, value: bytes, *, lease: Lease | None = None, **conditions: Any) -> SaveOutcome:
        """See ``Cache.save``."""
        if lease is None:
            return self._cache.save(key, value, **conditions)
        stop_at("saving")
        outcome = self._cache.save(key, value, lease=lease, **conditions)
        stop_at("saved")
        return outcome

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        self._cache.bury(key, ttl_seconds=ttl_seconds)

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        lease = self._cache.take_lease(key, ttl_seconds=ttl_seconds)
        if lease is not None and is_refresh(key):
            stop_at("leased")
            WORKS_ALONE.set(True)
        return lease

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        self._cache.free_lease(lease)

    def close(self) -> None:
        """See ``Cache.close``."""
        self._cache.close()


class AsyncStoppingCache:
    """An awaitable cache that waits at the points."""

    def __init__(self, cache: AsyncCache) -> None:
        self._cache = cache
        self.shared = cache.shared

    async def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        stored = await self._cache.load(key)
        if WORKS_ALONE.get():
            WORKS_ALONE.set(False)
            await stop_async_at("asking")
        return stored

    async def save(self, key: str, value: bytes, *, lease: Lease | None = None, **conditions: Any) -> SaveOutcome:
        """See ``Cache.save``."""
        if lease is None:
            return await self._cache.save(key, value, **conditions)
        await stop_async_at("saving")
        outcome = await self._cache.save(key, value, lease=lease, **conditions)
        await stop_async_at("saved")
        return outcome

    async def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        await self._cache.bury(key, ttl_seconds=ttl_seconds)

    async def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        lease = await self._cache.take_lease(key, ttl_seconds=ttl_seconds)
        if lease is not None and is_refresh(key):
            await stop_async_at("leased")
            WORKS_ALONE.set(True)
        return lease

    async def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        await self._cache.free_lease(lease)

    async def aclose(self) -> None:
        """See ``Cache.close``."""
        await self._cache.aclose()


# -------------------------------------------------------------------------------------------------------------- the app

if TYPE_CHECKING:
    asgi: FotoWebASGIMiddleware
    wsgi: FotoWebWSGIMiddleware


def __getattr__(name: str) -> Any:
    """Wrap the app when a server asks for it, as ``fotoweb_middleware.wrap`` does."""
    if name == "wsgi":
        settings = Settings()
        return FotoWebWSGIMiddleware(pid_app.wsgi, settings, cache=StoppingCache(open_cache(settings)))
    if name == "asgi":
        settings = Settings()
        return FotoWebASGIMiddleware(pid_app.asgi, settings, cache=AsyncStoppingCache(open_async_cache(settings)))
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
