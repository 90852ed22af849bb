"""A SQLite cache that was open when its process forked (``gunicorn --preload``, uWSGI, multiprocessing)."""

from __future__ import annotations

import gc
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import anyio
import pytest

from fotoweb_middleware.caches import sqlite_connections
from fotoweb_middleware.caches.offloaded import OffloadedFace
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from tests.caches.sqlite_kit import insist, is_whole, open_files, save
from tests.drivers.forking import exit_code, fork_off, forked, repeated_elsewhere, run_trial


@pytest.fixture
def cache(path: Path) -> Iterator[SqliteCache]:
    """Return a cache that is open."""
    made = SqliteCache(path)
    save(made)
    yield made
    made.close()


def test_nothing_open_in_a_child(cache: SqliteCache, path: Path) -> None:
    """A child begins without any file of its parent open, and with locks of its own before it has any thread."""

    def look() -> None:
        assert not [name for name in open_files() if name.startswith(str(path))]
        assert (cache._connections._pid, cache._connections._forking) == (os.getpid(), False)

    assert exit_code(fork_off(look)) == 0


def test_parent_goes_on(cache: SqliteCache) -> None:
    """The parent uses the cache before and after the child does."""

    def write() -> None:
        assert save(cache, version=2) is SaveOutcome.SAVED

    code = exit_code(fork_off(write))
    assert (code, cache.load("k"), save(cache, version=3)) == (0, Stored(b"v", 2), SaveOutcome.SAVED)


def test_grandchildren(cache: SqliteCache) -> None:
    """A child may fork too, as a server's arbiter does."""

    def fork_again() -> None:
        save(cache, "child")
        assert exit_code(fork_off(partial(save, cache, "grandchild"))) == 0
        save(cache, "child", version=2)

    code = exit_code(fork_off(fork_again))
    assert (code, cache.load("child"), cache.load("grandchild")) == (0, Stored(b"v", 2), Stored(b"v", 1))


def try_forks_while_threads_work(path: str) -> None:
    """Fork twelve times while three threads write all the time; each child writes and reads."""
    cache = SqliteCache(Path(path))
    versions = itertools.count(1)

    def hammer(number: int) -> None:
        insist(save, cache, f"t{number}", next(versions), 1000)

    def work(number: int) -> None:
        for turn in range(5):
            insist(save, cache, f"c{number} {turn}")
            insist(cache.load, "t0")
        cache.close()

    with repeated_elsewhere(*(partial(hammer, number) for number in range(3))):
        children = [fork_off(partial(work, number)) for number in range(12)]
        codes = [exit_code(child) for child in children]
    written = {cache.load(f"c{number} {turn}") for number in range(12) for turn in range(5)}
    assert (codes, written, is_whole(Path(path))) == ([0] * 12, {Stored(b"v", 1)}, True)
    cache.close()


def test_forks_while_threads_work(path: Path) -> None:
    """A fork waits for the calls of other threads, so no child begins with a lock that nobody will free."""
    run_trial(try_forks_while_threads_work, str(path))


def try_forks_in_several_threads(path: str) -> None:
    """Fork three times in each of four threads at once; each child uses what its parent had open."""
    cache, other = SqliteCache(Path(path)), SqliteCache(Path(path))
    save(cache)

    def fork_and_use(_thread: int) -> list[int]:
        codes = []
        for _ in range(3):
            insist(other.load, "k")
            codes.append(exit_code(fork_off(partial(insist, cache.load, "k"))))
        return codes

    with ThreadPoolExecutor(4) as pool:
        codes = [code for of_thread in pool.map(fork_and_use, range(4)) for code in of_thread]
    assert (codes, cache.load("k")) == ([0] * 12, Stored(b"v", 1))
    other.close()
    cache.close()


def test_forks_in_several_threads(path: Path) -> None:
    """Threads that fork at the same time don't wait for each other for ever, nor take each other's locks."""
    run_trial(try_forks_in_several_threads, str(path))


def test_fork_does_not_wait_for_ever(cache: SqliteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that hangs holds a fork up for so long and no longer; the child works all the same."""
    monkeypatch.setattr(sqlite_connections, "FORK_WAIT_SECONDS", 0.1)
    with cache._connections.lend(float("inf")):
        code = exit_code(fork_off(partial(save, cache, "child")))
    assert (code, cache.load("child")) == (0, Stored(b"v", 1))


def test_end_of_a_cache_in_the_middle_of_a_fork(path: Path) -> None:
    """The garbage of one thread waits for no fork of another, which may be waiting for a lock of the first one's."""
    cache = SqliteCache(path)
    save(cache)
    connections, held, is_over = cache._connections, threading.Event(), threading.Event()

    def fork_slowly() -> bool:
        connections.hold()
        held.set()
        waited_for = is_over.wait(5)
        connections.go_on()
        return waited_for

    with ThreadPoolExecutor(1) as pool:
        forking = pool.submit(fork_slowly)
        held.wait()
        del cache
        gc.collect()
        is_over.set()
        assert forking.result()


def try_forks_beside_the_first_and_the_last(folder: str) -> None:
    """Fork while other threads make caches, use them once and drop them; each child makes one too."""
    numbers = itertools.count()

    def make_and_drop(name: str) -> None:
        insist(save, SqliteCache(Path(folder) / name), "k", next(numbers))

    with repeated_elsewhere(*[partial(make_and_drop, name) for name in "abc"]):
        for number in range(150):
            forked(partial(make_and_drop, f"child-{number % 5}"))


def test_forks_beside_the_first_and_the_last(tmp_path: Path) -> None:
    """No child begins in the middle of SQLite's opening or closing a file: its own locks would stay locked."""
    run_trial(try_forks_beside_the_first_and_the_last, str(tmp_path))


def test_end_of_a_cache_past_the_hooks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a server in C forked, a cache that the child drops touches nothing of its parent's, and raises nothing."""
    cache = SqliteCache(path)
    save(cache)
    connections = cache._connections
    [inherited] = connections._idle
    monkeypatch.setattr(connections, "_pid", os.getpid() + 1)

    connections.close_if_free()

    assert (connections._idle, inherited.connection.execute("SELECT 1").fetchone()) == ([], (1,))


def test_fork_past_the_hooks(cache: SqliteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a server in C forked, the parent's connections are neither used nor closed."""
    [inherited] = cache._connections._idle
    monkeypatch.setattr(cache._connections, "_pid", os.getpid() + 1)
    cache.load("k")
    [own] = cache._connections._idle
    still_open = inherited.connection.execute("SELECT 1").fetchone()
    inherited.connection.close()
    assert (own is inherited, still_open) == (False, (1,))


def test_turn_of_another_process(cache: SqliteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child forked past the hooks waits for no thread of its parent."""
    cache._connections._turn.acquire()
    monkeypatch.setattr(cache._connections, "_pid", os.getpid() + 1)
    [inherited] = cache._connections._idle
    assert save(cache, version=2) is SaveOutcome.SAVED
    inherited.connection.close()


def test_forgotten_in_a_child(path: Path) -> None:
    """A child that drops the cache closes nothing of its parent's."""
    cache = SqliteCache(path)
    save(cache)
    holder = [cache]

    def drop() -> None:
        holder.clear()
        gc.collect()

    code = exit_code(fork_off(drop))
    assert (code, cache.load("k"), save(cache, version=2)) == (0, Stored(b"v", 1), SaveOutcome.SAVED)
    cache.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_awaitable_face_in_a_child(backend: str, cache: SqliteCache) -> None:
    """A face that was used in the parent's event loop works in a child's own."""
    face = OffloadedFace(cache)

    async def load() -> None:
        assert await face.load("k") == Stored(b"v", 1)

    def run(work: Callable[[], object]) -> None:
        anyio.run(work, backend=backend)  # type: ignore[arg-type]

    run(load)
    code = exit_code(fork_off(partial(run, load)))
    run(load)
    assert code == 0
