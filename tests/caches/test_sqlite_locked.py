"""A SQLite file that somebody else holds: every wait is bounded, and ends in an answer or in ``CacheUnavailable``."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fotoweb_middleware.caches import sqlite_connections
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.caches.sqlite_files import locked
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock
from tests.caches.sqlite_kit import AT_ONCE_SECONDS, insist, locked_by_another, rows, save, wait_for
from tests.drivers.forking import fork_off

BUSY_SECONDS = 0.3
PAUSE_SECONDS = 5
FAR_TOO_LONG_SECONDS = 5 * BUSY_SECONDS
"""What a call may take on a machine that does other things too; several waits one after another would pass it."""
TRIES = 5
"""The quickest counts, since the machine may stand still for longer than that; a wait without bound is none of them."""


@pytest.fixture
def cache(path: Path, clock: FakeClock) -> Iterator[SqliteCache]:
    """Return a cache with one entry."""
    made = SqliteCache(path, busy_timeout_seconds=BUSY_SECONDS, pause_seconds=PAUSE_SECONDS, monotonic=clock)
    save(made)
    yield made
    made.close()


def seconds_to_fail(call: Callable[[], object]) -> float:
    """Return how long a call takes that must fail."""
    started = time.monotonic()
    with pytest.raises(CacheUnavailable):
        call()
    return time.monotonic() - started


def least_to_fail(call: Callable[[], object], clock: FakeClock | None = None) -> float:
    """Return how long a call takes that must fail, at best; it is tried no more often than needed.

    Args:
        call: The call.
        clock: What the cache's pause goes by: it is over before each try.
    """
    spent: list[float] = []
    while len(spent) < TRIES and min(spent, default=FAR_TOO_LONG_SECONDS) >= FAR_TOO_LONG_SECONDS:
        if clock is not None:
            clock.advance(PAUSE_SECONDS + 1)
        spent.append(seconds_to_fail(call))
    return min(spent)


def until_far_away() -> float:
    """Return a deadline that no test reaches."""
    return time.monotonic() + 60


def held_by_a_stopped_process(hold: Callable[[Callable[[], object]], object]) -> int:
    """Return a child that was stopped while it held something.

    Args:
        hold: Gets hold of it, and calls what it is given while it does.
    """
    read_end, write_end = os.pipe()

    def stand_still() -> None:
        os.write(write_end, b"!")
        time.sleep(60)

    child = fork_off(lambda: hold(stand_still))
    os.read(read_end, 1)
    os.kill(child, signal.SIGSTOP)
    os.close(read_end)
    os.close(write_end)
    return child


def kill(child: int) -> None:
    """Kill a child."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


# -------------------------------------------------------------------------------------------------------------- bounded


@pytest.mark.parametrize("what", ["save", "bury", "take_lease", "free_lease"])
def test_write_waits_so_long(what: str, cache: SqliteCache, path: Path, clock: FakeClock) -> None:
    """A write waits for others as long as the busy time-out says, and then fails."""
    lease = cache.take_lease("leased", ttl_seconds=5)
    assert lease is not None
    calls: dict[str, Callable[[], object]] = {
        "save": lambda: save(cache, version=2),
        "bury": lambda: cache.bury("k", ttl_seconds=5),
        "take_lease": lambda: cache.take_lease("k", ttl_seconds=5),
        "free_lease": lambda: cache.free_lease(lease),
    }
    with locked_by_another(path):
        spent = least_to_fail(calls[what], clock)
    assert 0.8 * BUSY_SECONDS < spent < FAR_TOO_LONG_SECONDS


def test_next_write_fails_at_once(cache: SqliteCache, path: Path) -> None:
    """Once a wait was in vain nobody waits again before the pause is over."""
    with locked_by_another(path):
        seconds_to_fail(lambda: save(cache, version=2))
        assert min(seconds_to_fail(lambda: save(cache, version=2)) for _ in range(TRIES)) < AT_ONCE_SECONDS


def test_threads_that_wait_together(cache: SqliteCache, path: Path, clock: FakeClock) -> None:
    """Ten threads that meet a locked file wait side by side, not one after another."""
    longest: list[float] = []
    with locked_by_another(path), ThreadPoolExecutor(10) as threads:
        while len(longest) < TRIES and min(longest, default=FAR_TOO_LONG_SECONDS) >= FAR_TOO_LONG_SECONDS:
            clock.advance(PAUSE_SECONDS + 1)
            calls = [threads.submit(seconds_to_fail, lambda: save(cache, version=2)) for _ in range(10)]
            longest.append(max(call.result() for call in calls))
    assert min(longest) < FAR_TOO_LONG_SECONDS


def bury_when_free(cache: SqliteCache, wait_seconds: float) -> None:
    """Write while another thread of this process does so, for so long."""
    turn = cache._connections.turn
    turn.acquire()
    timer = threading.Timer(wait_seconds, turn.release)
    timer.start()
    try:
        cache.bury("k", ttl_seconds=5)
    finally:
        timer.join()


def test_wait_for_the_turn_counts(cache: SqliteCache, path: Path) -> None:
    """What a thread waited for another of its process it waits less for the file."""
    most = 1.6 * BUSY_SECONDS  # The sum of both waits would be 1.9.
    spent: list[float] = []
    with locked_by_another(path):
        while len(spent) < 2 * TRIES and min(spent, default=most) >= most:
            spent.append(seconds_to_fail(lambda: bury_when_free(cache, 0.9 * BUSY_SECONDS)))
    assert min(spent) < most


def test_bounded_wait_is_no_lasting_one(cache: SqliteCache, path: Path) -> None:
    """A connection that waited for a shorter time once waits for the whole time again."""
    insist(bury_when_free, cache, 0.5 * BUSY_SECONDS)  # A machine that stands still may let the wait end in vain.
    with locked_by_another(path):
        assert seconds_to_fail(lambda: cache.bury("k", ttl_seconds=5)) > 0.8 * BUSY_SECONDS


def test_writers_of_this_process(cache: SqliteCache) -> None:
    """A thread that writes for too long makes others fail, not hang."""
    with cache._connections.turn:
        assert least_to_fail(lambda: save(cache, version=2)) < FAR_TOO_LONG_SECONDS


def test_all_connections_in_use(cache: SqliteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that read for too long make others fail, not open more and more files."""
    monkeypatch.setattr(sqlite_connections, "MOST_OPEN", 1)
    with cache._connections.lend(until_far_away()):
        assert least_to_fail(lambda: cache.load("k")) < FAR_TOO_LONG_SECONDS


# -------------------------------------------------------------------------------------------------------- what goes on


def test_reading_goes_on(cache: SqliteCache, path: Path) -> None:
    """In WAL mode a locked file can still be read, also while writes pause."""
    with locked_by_another(path):
        before = cache.load("k")
        seconds_to_fail(lambda: save(cache, version=2))
        during = cache.load("k")
    assert (before, during) == (Stored(b"v", 1), Stored(b"v", 1))


def test_connection_is_kept(cache: SqliteCache, path: Path) -> None:
    """A write that waited in vain costs no connection: opening another would have to wait too."""
    before = cache._connections._idle[:]
    with locked_by_another(path):
        seconds_to_fail(lambda: save(cache, version=2))
    assert cache._connections._idle == before


def test_tombstone_is_tried_during_a_pause(cache: SqliteCache, path: Path) -> None:
    """A logout does not give up because another write has just failed."""
    with locked_by_another(path):
        seconds_to_fail(lambda: save(cache, version=2))
    cache.bury("k", ttl_seconds=60)
    assert cache.load("k") == Stored(None, 0)


def test_recovers_after_a_pause(cache: SqliteCache, path: Path, clock: FakeClock) -> None:
    """Once the pause is over writes are tried again."""
    with locked_by_another(path):
        seconds_to_fail(lambda: save(cache, version=2))
    clock.advance(5.1)
    assert save(cache, version=2) is SaveOutcome.SAVED


# ------------------------------------------------------------------------------------------------------ other processes


def test_writer_stopped(path: Path) -> None:
    """A process that is stopped while it writes blocks others no longer than the bound, and readers not at all."""

    def hold(stand_still: Callable[[], object]) -> None:
        with locked_by_another(path):
            stand_still()

    cache = SqliteCache(path, busy_timeout_seconds=BUSY_SECONDS, pause_seconds=0)
    save(cache)
    child = held_by_a_stopped_process(hold)
    seen = cache.load("k")
    spent = least_to_fail(lambda: save(cache, version=2))
    kill(child)
    recovered = wait_for(lambda: save(cache, version=3) is SaveOutcome.SAVED)
    cache.close()
    assert (seen, spent < FAR_TOO_LONG_SECONDS, recovered) == (Stored(b"v", 1), True, True)


def test_opener_stopped(path: Path, clock: FakeClock) -> None:
    """A process that is stopped while it opens the files blocks others no longer than the bound."""

    def hold(stand_still: Callable[[], object]) -> None:
        with locked(path, until_far_away()):
            stand_still()

    cache = SqliteCache(path, busy_timeout_seconds=BUSY_SECONDS, monotonic=clock)
    child = held_by_a_stopped_process(hold)
    spent = least_to_fail(lambda: cache.load("k"), clock)
    paused = min(seconds_to_fail(lambda: cache.load("k")) for _ in range(TRIES))
    kill(child)
    clock.advance(2)
    assert (spent < FAR_TOO_LONG_SECONDS, paused < AT_ONCE_SECONDS, cache.load("k")) == (True, True, None)
    cache.close()


def test_who_has_it_open_goes_on_while_an_opener_is_stopped(cache: SqliteCache, path: Path) -> None:
    """Only opening and closing wait for an opener; open connections work."""
    with locked(path, until_far_away()):
        outcome = save(cache, version=2)
    assert (outcome, rows(path)) == (SaveOutcome.SAVED, 1)


def test_lock_file_removed_while_it_is_waited_for(path: Path) -> None:
    """Who cleans the temporary directory may take the lock file; two who open are still not at it together."""
    entered = threading.Event()

    def enter() -> None:
        with locked(path, until_far_away()):
            entered.set()

    waiting = threading.Thread(target=enter)
    with contextlib.ExitStack() as new_lock:
        with locked(path, until_far_away()):
            waiting.start()
            time.sleep(0.05)  # It waits for the file that is about to lose its name.
            Path(f"{path}-lock").unlink()
            new_lock.enter_context(locked(path, until_far_away()))
        too_early = entered.wait(0.2)
    waiting.join()
    assert (too_early, entered.is_set()) == (False, True)


def test_link_in_the_place_of_the_lock_file(path: Path, tmp_path: Path) -> None:
    """A link is not followed; the cache is out of reach while it is there."""
    lock = Path(f"{path}-lock")
    lock.symlink_to(tmp_path / "victim")
    cache = SqliteCache(path)
    with pytest.raises(CacheUnavailable):
        cache.load("k")
    lock.unlink()
    assert (cache.load("k"), (tmp_path / "victim").exists()) == (None, False)
    cache.close()


def test_partial_call_is_undone(cache: SqliteCache) -> None:
    """A write that ends in an error leaves nothing behind and nothing locked."""

    def fail(_: object) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        cache._write(fail, until_far_away())
    assert save(cache, version=2) is SaveOutcome.SAVED
