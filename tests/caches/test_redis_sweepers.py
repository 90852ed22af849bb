"""The thread that gives up the leases which Redis may hold for nobody: it comes again until Redis has answered."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fotoweb_middleware.caches.redis_blocking import RedisCache
from fotoweb_middleware.caches.redis_orphans import Orphans, ThreadSweeper
from fotoweb_middleware.caches.redis_scripts import RedisCall
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.orphans_kit import PATIENCE_SECONDS, Threads, orphan
from tests.caches.redis_kit import failure


@pytest.fixture(autouse=True)
def threads() -> Iterator[Threads]:
    """Return the threads that a test begins, and end with them."""
    begun = Threads()
    yield begun
    begun.wait_until_none()


class Script:
    """A Redis that answers the calls it is told to.

    Attributes:
        asked: The names of what it was asked.
        deaf_for: So many more calls of this name it does not answer.
    """

    def __init__(self, count: int) -> None:
        self.orphans = Orphans()
        for number in range(count):
            self.orphans.note(orphan(number))
        self.asked: list[str] = []
        self.deaf_for = {"load": 0, "free_lease": 0}
        self.answered_all = threading.Event()

    def ask(self, call: RedisCall[Any]) -> object:
        """Answer, or not: as the cache itself, which returns what went wrong with Redis and raises what came before."""
        self.asked.append(call.name)
        if self.deaf_for[call.name]:
            self.deaf_for[call.name] -= 1
            if self.deaf_for[call.name] % 2:
                return CacheUnavailable("no answer")
            raise CacheUnavailable("no answer")
        self.orphans.forget(call)
        if not self.orphans:
            self.answered_all.set()
        return None

    def sweeper(self) -> ThreadSweeper:
        """Return who asks it."""
        return ThreadSweeper(self.orphans, self.ask, pause_seconds=0)


def test_sweep_gives_all_up() -> None:
    """One after the other, once Redis has answered a look."""
    script = Script(3)

    assert not script.sweeper().sweep()
    assert script.asked == ["load", *["free_lease"] * 3]
    assert not script.orphans


def test_sweep_of_nothing() -> None:
    """Where nothing is left Redis is asked nothing."""
    script = Script(0)

    assert not script.sweeper().sweep()
    assert script.asked == []


@pytest.mark.parametrize(("name", "asked"), [("load", ["load"]), ("free_lease", ["load", "free_lease"])])
@pytest.mark.parametrize("times", [1, 2], ids=["raised", "returned"])
def test_sweep_stops_where_redis_is_silent(name: str, asked: list[str], times: int) -> None:
    """After a call that was not answered all others wait for the next time."""
    script = Script(3)
    script.deaf_for[name] = times

    assert script.sweeper().sweep()
    assert (script.asked, len(script.orphans)) == (asked, 3)


def test_thread_goes_on_until_all_are_given_up(threads: Threads) -> None:
    """It comes again as often as Redis is silent, and ends then; the next one begins when there is something again."""
    script = Script(2)
    script.deaf_for = {"load": 3, "free_lease": 2}
    sweeper = script.sweeper()
    sweeper.wake()
    assert script.answered_all.wait(PATIENCE_SECONDS)
    threads.wait_until_none()
    assert (script.asked.count("load"), script.asked.count("free_lease")) == (6, 4)

    sweeper.wake()
    assert threads.running() == []

    script.answered_all.clear()
    script.orphans.note(orphan())
    sweeper.wake()
    assert script.answered_all.wait(PATIENCE_SECONDS)
    threads.wait_until_none()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """Collect what would run in threads, instead of running it."""
    found: list[Callable[[], None]] = []

    class Thread:
        def __init__(self, target: Callable[[], None], name: str, daemon: bool) -> None:
            assert (name, daemon) == ("redis-orphans", True)
            self.start = lambda: found.append(target)

    monkeypatch.setattr(threading, "Thread", Thread)
    return found


def test_one_thread(started: list[Callable[[], None]]) -> None:
    """There is one for each process at a time: a child has none of its parent's."""
    sweeper = Script(1).sweeper()
    sweeper.wake()
    sweeper.wake()
    assert len(started) == 1

    sweeper._process = os.getppid()  # As it is in a child after a fork.
    sweeper.wake()
    assert len(started) == 2


def test_what_came_as_the_thread_ended(started: list[Callable[[], None]]) -> None:
    """What was noted in the moment in which the thread ended has a thread of its own."""
    script = Script(1)
    sweeper = script.sweeper()
    sweeper.wake()
    sweep = sweeper.sweep

    def sweep_and_note() -> bool:
        is_left = sweep()
        script.orphans.note(orphan(7))
        sweeper.wake()  # Whoever noted it finds a thread that seems to run.
        return is_left

    sweeper.sweep = sweep_and_note  # type: ignore[method-assign]
    started[0]()

    assert len(started) == 2


def test_thread_after_a_defect(started: list[Callable[[], None]]) -> None:
    """A defect ends the thread, not the giving up."""
    script = Script(1)
    sweeper = script.sweeper()
    sweeper.wake()
    script.orphans.first = lambda: 1 / 0  # type: ignore[assignment,return-value]

    with pytest.raises(ZeroDivisionError):
        started[0]()

    assert len(started) == 2


def test_system_without_threads(threads: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started the next call tries it again, and no request sees anything of that."""
    sweeper = Script(1).sweeper()

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        sweeper.wake()
    sweeper.wake()
    threads.wait_until_none()

    assert not sweeper._orphans


def test_cache_that_is_no_longer_in_use(started: list[Callable[[], None]]) -> None:
    """The thread keeps no cache alive that nobody closed and nobody has."""
    script = Script(1)
    sweeper: ThreadSweeper | None = script.sweeper()
    assert sweeper is not None
    sweeper.wake()
    gone = weakref.ref(sweeper)
    del sweeper
    gc.collect()

    started[0]()

    assert gone() is None
    assert script.asked == []


def test_closed_cache_leaves_them(threads: Threads) -> None:
    """A cache that was closed asks Redis nothing any more."""
    cache = RedisCache("redis://127.0.0.1:1", namespace="n")
    failure(lambda: cache.take_lease("k", ttl_seconds=60))
    assert len(threads.running()) == 1
    cache.close()
    assert not cache._health.orphans
    threads.wait_until_none()
