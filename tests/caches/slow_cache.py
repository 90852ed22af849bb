"""A cache whose calls take as long as a test wants, for the tests of the awaitable face over threads."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio
import anyio.to_thread
import pytest

from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import Lease, Stored
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["Run", "SlowCache", "left_too_late", "until"]

Run: TypeAlias = Callable[[Callable[[], Awaitable[Any]]], Any]


class SlowCache(MemoryCache):
    """A cache whose calls wait until a test lets them go on."""

    shared = False

    def __init__(self) -> None:
        super().__init__(100)
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self.threads: set[int] = set()

    def wait(self) -> None:
        """Wait as a call to a locked file does."""
        self.threads.add(threading.get_ident())
        self.begun.release()
        self.go_on.wait(20)

    async def let_go_soon(self) -> None:
        """Let all calls go on, a moment later."""
        await anyio.sleep(0.05)
        self.go_on.set()

    def load(self, key: str) -> Stored | None:
        """Load slowly."""
        self.wait()
        return super().load(key)

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Bury slowly."""
        self.wait()
        super().bury(key, ttl_seconds=ttl_seconds)
        self.ended.release()

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """Take slowly."""
        self.wait()
        return super().take_lease(key, ttl_seconds=ttl_seconds)

    def close(self) -> None:
        """Close slowly."""
        self.wait()
        super().close()
        self.ended.release()

    def free_lease(self, lease: Lease) -> None:
        """Free at once, and say so."""
        super().free_lease(lease)
        self.ended.release()


async def until(semaphore: threading.Semaphore) -> None:
    """Wait for something that a thread does."""
    assert await anyio.to_thread.run_sync(lambda: semaphore.acquire(timeout=10))


async def left_too_late(slow: SlowCache, call: Callable[[], Awaitable[object]]) -> None:
    """Make a call that runs longer than its caller waits. A busy machine may be too late to begin it: then again."""
    while True:
        with pytest.raises(CacheUnavailable):
            await call()
        if slow.begun.acquire(blocking=False):
            return
