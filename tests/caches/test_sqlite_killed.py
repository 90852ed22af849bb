"""Processes that are killed while they use a SQLite cache."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from tests.caches.sqlite_kit import insist, is_whole, save, wait_for
from tests.drivers.forking import exit_code, fork_off

KILLED = 25


@pytest.fixture
def cache(path: Path) -> Iterator[SqliteCache]:
    """Return the cache as this process sees it."""
    made = SqliteCache(path)
    save(made, "mine")
    yield made
    made.close()


def write_for_ever(cache: SqliteCache) -> None:
    """Write until killed."""
    version = 0
    while True:
        version += 1
        insist(save, cache, f"k{version % 50}", version, 3000)
        insist(cache.bury, f"b{version % 50}", ttl_seconds=600)


def open_and_close_for_ever(cache: SqliteCache) -> None:
    """Open and close until killed: the last to close removes the side files."""
    version = 0
    while True:
        version += 1
        insist(save, cache, f"o{version % 50}", version)
        cache.close()


def begun(work: Callable[[SqliteCache], None], path: Path) -> int:
    """Return a child that is at work."""
    read_end, write_end = os.pipe()

    def begin() -> None:
        cache = SqliteCache(path)
        insist(save, cache, "begun", int(time.time_ns()))
        os.write(write_end, b"!")
        work(cache)

    child = fork_off(begin)
    os.read(read_end, 1)
    os.close(read_end)
    os.close(write_end)
    return child


@pytest.mark.parametrize("work", [write_for_ever, open_and_close_for_ever])
def test_killed_at_any_moment(work: Callable[[SqliteCache], None], path: Path, cache: SqliteCache) -> None:
    """A process that is killed at any moment, many times, leaves a whole file and nothing locked (T-CX-06)."""
    chance = random.Random(3)
    found = []
    for _ in range(KILLED):
        cache.close()  # So that the killed one was alone with the file.
        child = begun(work, path)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        found.append((exit_code(child), is_whole(path), cache.load("mine"), cache.take_lease("k", ttl_seconds=0)))
    codes, whole, mine, leases = zip(*found, strict=True)
    assert (set(codes), set(whole), set(mine)) == ({-signal.SIGKILL}, {True}, {Stored(b"v", 1)})
    assert None not in leases


def test_what_was_written_stays(path: Path, cache: SqliteCache) -> None:
    """What a save or a bury answered for outlives the process that made it, killed right after."""

    def write_and_die() -> None:
        one = SqliteCache(path)
        save(one, "written", size=1500)
        one.bury("buried", ttl_seconds=60)
        os.kill(os.getpid(), signal.SIGKILL)

    cache.close()
    exit_code(fork_off(write_and_die))
    assert (cache.load("written"), cache.load("buried")) == (Stored(b"v" * 1500, 1), Stored(None, 0))


def test_lease_of_a_killed_process(path: Path, cache: SqliteCache) -> None:
    """The lease of a process that was killed stands, and ends by itself."""

    def take_and_die() -> None:
        SqliteCache(path).take_lease("k", ttl_seconds=0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    taken_after = time.monotonic()
    exit_code(fork_off(take_and_die))
    ended = wait_for(lambda: cache.take_lease("k", ttl_seconds=60) is not None)
    assert (ended, time.monotonic() - taken_after > 0.5) == (True, True)
