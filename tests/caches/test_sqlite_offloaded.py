"""The awaitable face that runs a blocking cache in threads, on asyncio and on trio."""

from __future__ import annotations

import statistics
import threading
import time
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.offloaded import THREADS, OffloadedFace
from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.slow_cache import Run, SlowCache, until
from tests.caches.sqlite_kit import locked_by_another

LONGEST_BLOCK_SECONDS = 0.02
TRIES = 5


def test_shared(tmp_path: Path) -> None:
    """The face says what the cache says."""
    assert (OffloadedFace(MemoryCache(1)).shared, OffloadedFace(SqliteCache(tmp_path / "c")).shared) == (False, True)


def test_few_threads(run: Run, slow: SlowCache) -> None:
    """However many calls come, few threads work, and the app's own are not among those taken."""
    face = OffloadedFace(slow)

    async def work() -> int:
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(face.load, "k")
            for _ in range(THREADS):
                await until(slow.begun)
            borrowed = anyio.to_thread.current_default_thread_limiter().borrowed_tokens
            slow.go_on.set()
        return int(borrowed)

    assert (run(work), len(slow.threads) <= THREADS) == (0, True)


def test_readers_do_not_wait_for_writers(run: Run, slow: SlowCache) -> None:
    """While all writers wait for a lock, entries are loaded."""
    face = OffloadedFace(slow)

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(THREADS + 1):
                tasks.start_soon(partial(face.bury, f"k{number}", ttl_seconds=60))
            for _ in range(THREADS):
                await until(slow.begun)
            tasks.start_soon(face.load, "other")
            await until(slow.begun)
            slow.go_on.set()

    run(work)


def test_several_loops(tmp_path: Path) -> None:
    """One face serves several event loops of one process, at once and one after another."""
    face = OffloadedFace(SqliteCache(tmp_path / "cache.sqlite"))
    seen: list[Stored | None] = []

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(face.load, "k")
        seen.append(await face.load("k"))

    async def prepare() -> None:
        await face.save("k", b"v", version=1, ttl_seconds=60, create=True)

    anyio.run(prepare)
    threads = [threading.Thread(target=anyio.run, args=(work,), kwargs={"backend": b}) for b in ("asyncio", "trio") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    anyio.run(face.aclose)
    assert seen == [Stored(b"v", 1)] * 4


def gaps_while_locked(run: Run, path: Path) -> list[float]:
    """Let twenty calls wait half a second for a locked file; return the pauses of the event loop meanwhile."""
    face = OffloadedFace(SqliteCache(path, busy_timeout_seconds=0.5))
    waiting = [True]
    gaps: list[float] = []

    async def attempt_all() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(attempt)
        waiting[0] = False

    async def attempt() -> None:
        with pytest.raises(CacheUnavailable):
            await face.take_lease("k", ttl_seconds=5)

    async def work() -> None:
        await face.load("k")
        with locked_by_another(path):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(attempt_all)
                while waiting[0]:
                    before = time.perf_counter()
                    await anyio.sleep(0.002)
                    gaps.append(time.perf_counter() - before)
        await face.aclose()

    run(work)
    return gaps


def test_event_loop_goes_on_while_the_file_is_locked(run: Run, tmp_path: Path) -> None:
    """A lock on the file never holds the event loop up: it runs hundreds of times while calls wait."""
    # A loop that waits for the lock would stand still for half a second, and come back when all is over. So may the
    # machine, but not again and again.
    for turn in range(TRIES):
        gaps = gaps_while_locked(run, tmp_path / f"{turn}.sqlite")
        if len(gaps) > 20 and statistics.median(gaps) < LONGEST_BLOCK_SECONDS:
            return
    pytest.fail("the event loop stood still each time")
