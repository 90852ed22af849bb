"""Calls of the awaitable face that nobody waits for any more: too late, or cancelled."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import anyio
import pytest

from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.offloaded import MOST_LEFT, THREADS, OffloadedFace
from fotoweb_middleware.caches.protocol import Lease, Stored
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.slow_cache import Run, SlowCache, left_too_late, until
from tests.drivers.forking import exit_code, fork_off


def test_late_answer(run: Run, slow: SlowCache) -> None:
    """A call that takes too long makes the cache unavailable, in time."""
    face = OffloadedFace(slow, patience_seconds=0.1)

    async def work() -> float:
        started = time.monotonic()
        with pytest.raises(CacheUnavailable):
            await face.load("k")
        spent = time.monotonic() - started
        slow.go_on.set()
        return spent

    assert 0.09 < run(work) < 10  # The call itself would take 20.


def test_late_call_goes_on(run: Run, slow: SlowCache) -> None:
    """A tombstone that nobody waits for any more is written all the same."""
    face = OffloadedFace(slow, patience_seconds=0.1)

    async def work() -> None:
        await left_too_late(slow, partial(face.bury, "k", ttl_seconds=60))
        slow.go_on.set()
        await until(slow.ended)

    run(work)
    assert slow.load("k") == Stored(None, 0)


def test_late_close_is_no_failure(run: Run, slow: SlowCache) -> None:
    """Files that take long to close are closed all the same; whoever shuts an app down hears nothing of it."""
    face = OffloadedFace(slow, patience_seconds=0.1)

    async def work() -> None:
        while not slow.begun.acquire(blocking=False):  # A busy machine may be too late to begin it: then again.
            await face.aclose()
        slow.go_on.set()
        await until(slow.ended)

    run(work)


def test_close_queues_behind_no_writer(run: Run, slow: SlowCache) -> None:
    """Writers that hang keep nobody from closing the files."""
    face = OffloadedFace(slow, patience_seconds=0.1)

    async def work() -> None:
        for _ in range(THREADS):
            await left_too_late(slow, partial(face.bury, "k", ttl_seconds=60))
        while not slow.begun.acquire(blocking=False):
            await face.aclose()
        slow.go_on.set()
        for _ in range(THREADS + 1):
            await until(slow.ended)

    run(work)


def test_late_lease_is_freed(run: Run, slow: SlowCache) -> None:
    """A lease that comes when its caller has given up blocks nobody for its whole time."""
    face = OffloadedFace(slow, patience_seconds=0.1)

    async def work() -> None:
        await left_too_late(slow, partial(face.take_lease, "k", ttl_seconds=60))
        slow.go_on.set()
        await until(slow.ended)

    run(work)
    assert slow.take_lease("k", ttl_seconds=60) is not None


def test_lease_of_a_cancelled_call(run: Run, slow: SlowCache) -> None:
    """The same where the caller was cancelled, as a browser that goes away does."""
    face = OffloadedFace(slow)

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(face.take_lease, "k", ttl_seconds=60))
            await until(slow.begun)
            tasks.cancel_scope.cancel()
        slow.go_on.set()
        await until(slow.ended)

    run(work)
    assert slow.take_lease("k", ttl_seconds=60) is not None


def test_lease_of_a_task_cancelled_natively(slow: SlowCache) -> None:
    """The same with ``Task.cancel`` of asyncio, which knows no scopes."""
    face = OffloadedFace(slow)

    async def work() -> None:
        task = asyncio.ensure_future(face.take_lease("k", ttl_seconds=60))
        await until(slow.begun)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        slow.go_on.set()
        await until(slow.ended)

    anyio.run(work)
    assert slow.take_lease("k", ttl_seconds=60) is not None


def test_lease_that_came_as_its_caller_was_cancelled(run: Run, slow: SlowCache) -> None:
    """A lease that the thread has handed over, but the caller never got, is freed too."""
    face = OffloadedFace(slow)
    got: list[Lease | None] = []

    async def take() -> None:
        got.append(await face.take_lease("k", ttl_seconds=60))

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take)
            await until(slow.begun)
            slow.go_on.set()
            deadline = time.monotonic() + 5
            while not slow._leases and time.monotonic() < deadline:
                time.sleep(0.001)  # noqa: ASYNC251 (the loop must not get to take the result)
            time.sleep(0.05)  # noqa: ASYNC251
            tasks.cancel_scope.cancel()

    run(work)
    assert got or slow.take_lease("k", ttl_seconds=60) is not None


def test_cancelled_before_it_began(run: Run, slow: SlowCache) -> None:
    """A call that was cancelled while it waited for a thread is never made."""
    face = OffloadedFace(slow)

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(THREADS + 3):
                tasks.start_soon(partial(face.bury, f"k{number}", ttl_seconds=60))
            for _ in range(THREADS):
                await until(slow.begun)
            tasks.cancel_scope.cancel()
        slow.go_on.set()
        for _ in range(THREADS):
            await until(slow.ended)

    run(work)
    assert sum(MemoryCache.load(slow, f"k{number}") is not None for number in range(THREADS + 3)) == THREADS


# ------------------------------------------------------------------------------------------------- calls that hang on


def test_hanging_cache_is_not_waited_for(run: Run, slow: SlowCache) -> None:
    """Once as many calls hang as there are threads, further ones fail without a thread and without a wait."""
    face = OffloadedFace(slow, patience_seconds=0.05)

    async def work() -> None:
        for _ in range(THREADS):
            await left_too_late(slow, partial(face.load, "k"))
        await anyio.sleep(0.1)  # All of them have run for longer than that.
        for _ in range(100):
            with pytest.raises(CacheUnavailable, match="have not come back"):
                await face.load("k")
        slow.go_on.set()

    run(work)
    assert len(slow.threads) == THREADS


def test_hanging_reads_stop_no_write(run: Run, slow: SlowCache) -> None:
    """A logout is written also where all reads hang."""
    face = OffloadedFace(slow, patience_seconds=0.05)

    async def work() -> None:
        for _ in range(THREADS):
            await left_too_late(slow, partial(face.load, "k"))
        await left_too_late(slow, partial(face.bury, "k", ttl_seconds=60))
        slow.go_on.set()
        await until(slow.ended)

    run(work)
    assert slow.load("k") == Stored(None, 0)


def test_recovers_when_calls_come_back(run: Run, slow: SlowCache) -> None:
    """As soon as calls come back others are made again."""
    face = OffloadedFace(slow, patience_seconds=0.5)

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(THREADS):
                tasks.start_soon(left_too_late, slow, partial(face.load, "k"))
        slow.go_on.set()
        for _ in range(1000):
            if await loads(face):
                return
            await anyio.sleep(0.01)
        pytest.fail("the face still refuses")

    run(work)


async def loads(face: OffloadedFace) -> bool:
    """Return whether the face answers."""
    try:
        await face.load("k")
    except CacheUnavailable:
        return False
    return True


def test_callers_that_go_away_are_no_sign_of_a_hanging_cache(run: Run, slow: SlowCache) -> None:
    """Calls whose browsers went away don't make the next one fail: they end in a moment."""
    face = OffloadedFace(slow)

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(THREADS):
                tasks.start_soon(face.load, "k")
            for _ in range(THREADS):
                await until(slow.begun)
            tasks.cancel_scope.cancel()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(slow.let_go_soon)
            assert await face.load("k") is None

    run(work)


def test_very_many_callers_that_go_away(slow: SlowCache) -> None:
    """Where they are very many no more threads are taken, until some have come back."""
    face = OffloadedFace(slow)

    async def work() -> None:
        for _ in range(MOST_LEFT):
            task = asyncio.ensure_future(face.load("k"))
            await until(slow.begun)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        with pytest.raises(CacheUnavailable):
            await face.load("k")
        slow.go_on.set()

    anyio.run(work)
    assert len(slow.threads) == MOST_LEFT


def test_hanging_calls_of_the_parent(slow: SlowCache) -> None:
    """A child has none of its parent's threads, so none of its hanging calls either."""
    face = OffloadedFace(slow, patience_seconds=0.05)

    async def hang() -> None:
        for _ in range(THREADS):
            await left_too_late(slow, partial(face.load, "k"))

    def load() -> None:
        slow.go_on = threading.Event()
        slow.go_on.set()
        anyio.run(face.load, "k")

    anyio.run(hang)
    assert exit_code(fork_off(load)) == 0
