"""The awaitable face that runs a blocking cache in threads, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.offloaded import MOST_OVERDUE, READERS, WRITERS, OffloadedFace
from fotoweb_middleware.caches.protocol import Lease, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable

LONGEST_BLOCK_SECONDS = 0.02


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], Awaitable[Any]]], Any]:
    """Return what runs a coroutine function in a new event loop."""
    return lambda work: anyio.run(work, backend=request.param)


Run = Callable[[Callable[[], Awaitable[Any]]], Any]


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

    def free_lease(self, lease: Lease) -> None:
        """Free at once, and say so."""
        super().free_lease(lease)
        self.ended.release()


@pytest.fixture
def slow() -> Iterator[SlowCache]:
    """Return a cache that waits; it waits no longer than the test."""
    cache = SlowCache()
    yield cache
    cache.go_on.set()


async def until(semaphore: threading.Semaphore) -> None:
    """Wait for something that a thread does."""
    assert await anyio.to_thread.run_sync(lambda: semaphore.acquire(timeout=10))


def test_shared(tmp_path: Path) -> None:
    """The face says what the cache says."""
    assert (OffloadedFace(MemoryCache(1)).shared, OffloadedFace(SqliteCache(tmp_path / "c")).shared) == (False, True)


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

    assert 0.09 < run(work) < 1


def test_late_call_goes_on(run: Run, slow: SlowCache) -> None:
    """A tombstone that nobody waits for any more is written all the same."""
    face = OffloadedFace(slow, patience_seconds=0.1)

    async def work() -> None:
        with pytest.raises(CacheUnavailable):
            await face.bury("k", ttl_seconds=60)
        slow.go_on.set()
        await until(slow.ended)

    run(work)
    assert slow.load("k") == Stored(None, 0)


def test_late_lease_is_freed(run: Run, slow: SlowCache) -> None:
    """A lease that comes when its caller has given up blocks nobody for its whole time."""
    face = OffloadedFace(slow, patience_seconds=0.1)

    async def work() -> None:
        with pytest.raises(CacheUnavailable):
            await face.take_lease("k", ttl_seconds=60)
        slow.go_on.set()
        await until(slow.ended)

    run(work)
    assert slow.take_lease("k", ttl_seconds=60) is not None


def test_lease_of_a_cancelled_call(run: Run, slow: SlowCache) -> None:
    """The same where the caller was cancelled, as a browser that goes away does."""
    face = OffloadedFace(slow)

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: face.take_lease("k", ttl_seconds=60))  # type: ignore[arg-type, return-value]
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

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: face.take_lease("k", ttl_seconds=60))  # type: ignore[arg-type, return-value]
            await until(slow.begun)
            slow.go_on.set()
            deadline = time.monotonic() + 5
            while not slow._leases and time.monotonic() < deadline:
                time.sleep(0.001)  # noqa: ASYNC251 (the loop must not get to take the result)
            time.sleep(0.05)  # noqa: ASYNC251
            tasks.cancel_scope.cancel()

    run(work)
    freed_or_handed_over = slow.take_lease("k", ttl_seconds=60) is not None or not slow.ended.acquire(blocking=False)
    assert freed_or_handed_over


def test_cancelled_before_it_began(run: Run, slow: SlowCache) -> None:
    """A call that was cancelled while it waited for a thread is never made."""
    face = OffloadedFace(slow)

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(WRITERS + 3):
                tasks.start_soon(lambda number=number: face.bury(f"k{number}", ttl_seconds=60))  # type: ignore[misc]
            for _ in range(WRITERS):
                await until(slow.begun)
            tasks.cancel_scope.cancel()
        slow.go_on.set()
        for _ in range(WRITERS):
            await until(slow.ended)

    run(work)
    assert sum(MemoryCache.load(slow, f"k{number}") is not None for number in range(WRITERS + 3)) == WRITERS


def test_few_threads(run: Run, slow: SlowCache) -> None:
    """However many calls come, few threads work, and the app's own are not among those taken."""
    face = OffloadedFace(slow)

    async def work() -> int:
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(lambda: face.load("k"))  # type: ignore[arg-type, return-value]
            for _ in range(READERS):
                await until(slow.begun)
            borrowed = anyio.to_thread.current_default_thread_limiter().borrowed_tokens
            slow.go_on.set()
        return int(borrowed)

    assert (run(work), len(slow.threads) <= READERS) == (0, True)


def test_readers_do_not_wait_for_writers(run: Run, slow: SlowCache) -> None:
    """While all writers wait for a lock, entries are loaded."""
    face = OffloadedFace(slow)

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(WRITERS + 1):
                tasks.start_soon(lambda number=number: face.bury(f"k{number}", ttl_seconds=60))  # type: ignore[misc]
            for _ in range(WRITERS):
                await until(slow.begun)
            tasks.start_soon(lambda: face.load("other"))  # type: ignore[arg-type, return-value]
            await until(slow.begun)
            slow.go_on.set()

    run(work)


def test_threads_do_not_pile_up(run: Run, slow: SlowCache) -> None:
    """A cache that hangs for ever holds so many threads and no more; then calls fail at once, until it is back."""
    face = OffloadedFace(slow, patience_seconds=0.01)

    async def work() -> tuple[float, Stored | None]:
        for _ in range(MOST_OVERDUE):
            with pytest.raises(CacheUnavailable):
                await face.load("k")
        began = len(slow.threads)
        started = time.monotonic()
        for _ in range(50):
            with pytest.raises(CacheUnavailable):
                await face.load("k")
        spent = time.monotonic() - started
        assert len(slow.threads) == began
        slow.go_on.set()
        while face._overdue.count:
            await anyio.sleep(0.01)
        return spent, await OffloadedFace(slow).load("k")

    spent, back = run(work)
    assert (spent < 0.3, back) == (True, None)


def test_several_loops(tmp_path: Path) -> None:
    """One face serves several event loops of one process, at once and one after another."""
    face = OffloadedFace(SqliteCache(tmp_path / "cache.sqlite"))
    seen: list[Stored | None] = []

    async def work() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(lambda: face.load("k"))  # type: ignore[arg-type, return-value]
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


def test_event_loop_goes_on_while_the_file_is_locked(run: Run, tmp_path: Path) -> None:
    """A lock on the file never holds the event loop up for longer than 20 ms."""
    path = tmp_path / "cache.sqlite"
    face = OffloadedFace(SqliteCache(path, busy_timeout_seconds=0.4))

    async def attempt() -> None:
        with pytest.raises(CacheUnavailable):
            await face.take_lease("k", ttl_seconds=5)

    async def work() -> list[float]:
        await face.load("k")
        other = sqlite3.connect(path)
        other.execute("BEGIN EXCLUSIVE")
        gaps = []
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(attempt)
            for _ in range(100):
                before = time.perf_counter()
                await anyio.sleep(0.005)
                gaps.append(time.perf_counter() - before - 0.005)
        other.close()
        await face.aclose()
        return sorted(gaps)

    gaps = run(work)
    # The one or two longest may be the machine's own: it runs other tests.
    assert gaps[-3] < LONGEST_BLOCK_SECONDS, gaps[-5:]
