"""An awaitable face for a cache that blocks: each call runs in a thread, and is waited for only so long."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from fotoweb_middleware.caches.protocol import Cache, Lease, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["OffloadedFace"]

R = TypeVar("R")

READERS = 4
WRITERS = 4
"""Threads of each event loop. Writers wait for each other, so readers have their own."""
MOST_OVERDUE = 16
"""Calls of this process that nobody waits for any more; with so many no other is begun."""


class OffloadedFace:
    """Runs a blocking cache in threads of its own number, for asyncio and trio, in any number of event loops.

    Args:
        cache: The cache.
        patience_seconds: How long a call is waited for, the wait for a thread included.
    """

    def __init__(self, cache: Cache, *, patience_seconds: float = 3.0) -> None:
        self._cache = cache
        self._patience_seconds = patience_seconds
        self._overdue = Overdue()
        # A limiter belongs to the event loop it was first used in.
        self._readers: RunVar[anyio.CapacityLimiter] = RunVar(f"cache readers {id(self)}")
        self._writers: RunVar[anyio.CapacityLimiter] = RunVar(f"cache writers {id(self)}")

    @property
    def shared(self) -> bool:
        """See ``Cache.shared``."""
        return self._cache.shared

    async def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return await self._run(Errand(partial(self._cache.load, key), self._overdue), limit_of(self._readers, READERS))

    async def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        save = partial(
            self._cache.save, key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease
        )
        return await self._write(save)

    async def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        await self._write(partial(self._cache.bury, key, ttl_seconds=ttl_seconds))

    async def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``. A lease that comes when nobody waits for it any more is given up at once."""
        take = partial(self._cache.take_lease, key, ttl_seconds=ttl_seconds)
        return await self._write(take, self._give_back)

    async def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        await self._write(partial(self._cache.free_lease, lease))

    async def aclose(self) -> None:
        """See ``Cache.close``."""
        await self._write(self._cache.close)

    async def _write(self, work: Callable[[], R], undo: Callable[[R], None] | None = None) -> R:
        return await self._run(Errand(work, self._overdue, undo), limit_of(self._writers, WRITERS))

    async def _run(self, errand: Errand[R], limiter: anyio.CapacityLimiter) -> R:
        """Run an errand in a thread.

        Raises:
            CacheUnavailable: It failed, or took too long; it may still come to its end.
        """
        if self._overdue.count >= MOST_OVERDUE:
            raise CacheUnavailable(f"{MOST_OVERDUE} earlier calls have not come back yet")
        try:
            with anyio.move_on_after(self._patience_seconds):
                return await anyio.to_thread.run_sync(errand.run, abandon_on_cancel=True, limiter=limiter)
        except BaseException:
            await self._leave(errand)
            raise
        await self._leave(errand)
        raise CacheUnavailable(f"the cache did not answer within {self._patience_seconds} s")

    async def _leave(self, errand: Errand[R]) -> None:
        """Wait no longer for an errand. Where it has just ended, its result must be undone here, in a thread too."""
        undo = errand.leave()
        if undo is not None:
            with anyio.move_on_after(self._patience_seconds, shield=True):
                await anyio.to_thread.run_sync(undo, abandon_on_cancel=True, limiter=limit_of(self._writers, WRITERS))

    def _give_back(self, lease: Lease | None) -> None:
        if lease is not None:
            with contextlib.suppress(CacheUnavailable):  # It ends by itself.
                self._cache.free_lease(lease)


class Overdue:
    """Counts the calls that nobody waits for any more: each still holds a thread."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def add(self, number: int) -> None:
        """Change the count."""
        with self._lock:
            self.count += number


class Errand(Generic[R]):
    """One call in a thread, which may be left to itself before it ends.

    Args:
        work: The call.
        overdue: Counts it while it is left to itself.
        undo: What to do with a result that comes too late.
    """

    def __init__(self, work: Callable[[], R], overdue: Overdue, undo: Callable[[R], None] | None = None) -> None:
        self._work = work
        self._overdue = overdue
        self._undo = undo
        self._lock = threading.Lock()
        self._left = False
        self._begun = False
        self._ended = False
        self._undo_result: Callable[[], None] | None = None

    def run(self) -> R:
        """Do it, in the thread."""
        with self._lock:
            self._begun = True
            if self._left:
                raise CacheUnavailable("nobody waits for this call any more")
        try:
            result = self._work()
            if self._undo is not None:
                self._undo_result = partial(self._undo, result)
        finally:
            if self._end():
                self._end_alone()
        return result

    def leave(self) -> Callable[[], None] | None:
        """Wait no longer; return what the caller has to do itself since the thread has ended already."""
        with self._lock:
            if self._ended:
                undo, self._undo_result = self._undo_result, None
                return undo
            self._left = True
            if self._begun:
                self._overdue.add(1)
        return None

    def _end(self) -> bool:
        with self._lock:
            self._ended = True
            return self._left

    def _end_alone(self) -> None:
        try:
            if self._undo_result is not None:
                self._undo_result()
        finally:
            self._overdue.add(-1)


def limit_of(variable: RunVar[anyio.CapacityLimiter], threads: int) -> anyio.CapacityLimiter:
    """Return this event loop's limiter, made at the first use."""
    try:
        return variable.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(threads)
        variable.set(limiter)
        return limiter
