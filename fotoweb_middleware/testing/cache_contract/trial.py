"""A cache on trial: what the promises are tried on, and with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

from anyio.from_thread import BlockingPortal

from fotoweb_middleware.caches.protocol import AsyncCache, Cache, Lease, SaveOutcome, Stored

__all__ = ["THREADS", "TOMBSTONE", "BlockingFace", "CacheTrial", "Promises", "at_once"]

R = TypeVar("R")

TOMBSTONE = Stored(None, 0)
THREADS = 8


@dataclass(frozen=True, slots=True)
class CacheTrial:
    """A cache on trial.

    Attributes:
        cache: Empty, and with room for 20 entries where it has a limit.
        advance: Lets so many seconds pass for the cache.
    """

    cache: Cache
    advance: Callable[[float], None]


class BlockingFace:
    """Calls an awaitable cache from threads, so that one suite serves both faces.

    Args:
        cache: The awaitable cache.
        portal: The event loop it lives in, asyncio's or trio's.
    """

    def __init__(self, cache: AsyncCache, portal: BlockingPortal) -> None:
        self._cache = cache
        self._portal = portal

    @property
    def shared(self) -> bool:
        """See ``Cache.shared``."""
        return self._cache.shared

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return self._portal.call(self._cache.load, key)

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        save = partial(
            self._cache.save, key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease
        )
        return self._portal.call(save)

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        self._portal.call(partial(self._cache.bury, key, ttl_seconds=ttl_seconds))

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        return self._portal.call(partial(self._cache.take_lease, key, ttl_seconds=ttl_seconds))

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        self._portal.call(self._cache.free_lease, lease)

    def close(self) -> None:
        """See ``Cache.close``."""
        self._portal.call(self._cache.aclose)


def at_once(work: Callable[[int], R]) -> list[R]:
    """Run ``work`` in several threads that start together, each with its number, and return what each gave."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> R:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


class Promises:
    """What the tests of every kind use."""

    unit_seconds: ClassVar[float] = 60.0
    """How long entries and leases live in these tests."""

    def write(
        self, trial: CacheTrial, value: bytes = b"v", version: int = 1, key: str = "k", **more: Any
    ) -> SaveOutcome:
        """Save under the usual conditions, which ``more`` changes."""
        conditions = {"ttl_seconds": self.unit_seconds, "create": True, **more}
        return trial.cache.save(key, value, version=version, **conditions)
