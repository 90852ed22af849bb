"""An awaitable face for a cache that blocks: each call runs in a thread, and is waited for only so long."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from fotoweb_middleware.caches.forks import keep_over_forks
from fotoweb_middleware.caches.protocol import Cache, Lease, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["OffloadedFace"]

R = TypeVar("R")

THREADS = 4
"""Of each event loop, for each kind of call: writers wait for each other, so readers have their own."""
MOST_LEFT = 16
"""Calls of one kind that run though nobody waits for them any more; with so many no other is begun."""


class OffloadedFace:
    """Runs a blocking cache in threads of its own number, for asyncio and trio, in any number of event loops.

    Args:
        cache: The cache.
        patience_seconds: How long a call is waited for, the wait for a thread included.
    """

    def __init__(self, cache: Cache, *, patience_seconds: float = 3.0) -> None:
        self._cache = cache
        self._patience_seconds = patience_seconds
        self._readers = Lane(patience_seconds)
        self._writers = Lane(patience_seconds)
        self._closers = Lane(patience_seconds)

    @property
    def shared(self) -> bool:
        """See ``Cache.shared``."""
        return self._cache.shared

    async def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return await self._run(Errand(partial(self._cache.load, key), self._readers))

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
        """See ``Cache.close``. One that takes long comes to its end in its thread, and is no failure."""
        with contextlib.suppress(CacheUnavailable):
            await self._run(Errand(self._cache.close, self._closers))  # It queues behind no writer that hangs.

    async def _write(self, work: Callable[[], R], undo: Callable[[R], None] | None = None) -> R:
        return await self._run(Errand(work, self._writers, undo))

    async def _run(self, errand: Errand[R]) -> R:
        """Run an errand in a thread.

        Raises:
            CacheUnavailable: It failed, or took too long; it may still come to its end.
        """
        if errand.lane.is_stuck():
            raise CacheUnavailable("earlier calls have not come back yet")
        try:
            with anyio.move_on_after(self._patience_seconds):
                return await anyio.to_thread.run_sync(errand.run, abandon_on_cancel=True, limiter=errand.lane.limiter)
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
                await anyio.to_thread.run_sync(undo, abandon_on_cancel=True, limiter=self._writers.limiter)

    def _give_back(self, lease: Lease | None) -> None:
        if lease is not None:
            with contextlib.suppress(CacheUnavailable):  # It ends by itself.
                self._cache.free_lease(lease)


class Lane:
    """The threads for one kind of call, and the calls there that nobody waits for any more.

    Args:
        patience_seconds: A call that has run for so long hangs.

    Attributes:
        lock: See ``caches.forks``.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        # A limiter belongs to the event loop it was first used in.
        self._limiter: RunVar[anyio.CapacityLimiter] = RunVar(f"cache threads {id(self)}")
        self.start_anew(whole=False)
        keep_over_forks(self)

    def start_anew(self, *, whole: bool) -> None:  # noqa: ARG002 (the same in both cases)
        """See ``caches.forks``: the threads of the parent are not here, so none of its calls ends here."""
        self.lock = threading.Lock()
        self._left: dict[int, float] = {}

    @property
    def limiter(self) -> anyio.CapacityLimiter:
        """Return this event loop's limiter, made at the first use."""
        try:
            return self._limiter.get()
        except LookupError:
            limiter = anyio.CapacityLimiter(THREADS)
            self._limiter.set(limiter)
            return limiter

    def note_left(self, errand: int, began_at: float) -> None:
        """Count a call that runs though nobody waits for it."""
        with self.lock:
            self._left[errand] = began_at

    def note_ended(self, errand: int) -> None:
        """Count such a call no longer."""
        with self.lock:
            self._left.pop(errand, None)

    def is_stuck(self) -> bool:
        """Return whether calls hang, as many as there are threads.

        Calls whose callers went away are no sign of that, unless they are very many: each will end in a moment.
        """
        if not self._left:
            return False
        long_ago = time.monotonic() - self._patience_seconds
        with self.lock:
            hanging = sum(began_at <= long_ago for began_at in self._left.values())
            return hanging >= THREADS or len(self._left) >= MOST_LEFT


class Errand(Generic[R]):
    """One call in a thread, which may be left to itself before it ends.

    Args:
        work: The call.
        lane: Where it runs.
        undo: What to do with a result that comes too late.

    Attributes:
        lane: See above.
    """

    def __init__(self, work: Callable[[], R], lane: Lane, undo: Callable[[R], None] | None = None) -> None:
        self.lane = lane
        self._work = work
        self._undo = undo
        self._lock = threading.Lock()
        self._left = False
        self._began_at: float | None = None
        self._ended = False
        self._undo_result: Callable[[], None] | None = None

    def run(self) -> R:
        """Do it, in the thread."""
        with self._lock:
            if self._left:
                raise CacheUnavailable("nobody waits for this call any more")
            self._began_at = time.monotonic()
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
            if self._began_at is not None:
                self.lane.note_left(id(self), self._began_at)
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
            self.lane.note_ended(id(self))
