"""An awaitable face for a cache that never blocks."""

from __future__ import annotations

from fotoweb_middleware.caches.protocol import Cache, Lease, SaveOutcome, Stored

__all__ = ["InlineFace"]


class InlineFace:
    """Calls a blocking cache directly; right only for one that does no I/O, such as ``memory://``.

    Args:
        cache: The cache.

    Attributes:
        inner: The same.
    """

    def __init__(self, cache: Cache) -> None:
        self.inner = cache

    @property
    def shared(self) -> bool:
        """See ``Cache.shared``."""
        return self.inner.shared

    async def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return self.inner.load(key)

    async def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        return self.inner.save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease)

    async def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        self.inner.bury(key, ttl_seconds=ttl_seconds)

    async def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        return self.inner.take_lease(key, ttl_seconds=ttl_seconds)

    async def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        self.inner.free_lease(lease)

    async def aclose(self) -> None:
        """See ``Cache.close``."""
        self.inner.close()
