"""The thread that gives up the leases which Redis may hold for nobody: it comes again until Redis has done it."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from fotoweb_middleware.caches.redis_blocking import RedisCache
from fotoweb_middleware.caches.redis_orphans import Orphans, Sweeper
from fotoweb_middleware.caches.redis_scripts import RedisCall
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.orphans_kit import PATIENCE_SECONDS, Threads, orphan
from tests.caches.redis_kit import failure

pytestmark = pytest.mark.usefixtures("threads")

PAUSE_SECONDS = 0.5


class Script:
    """A Redis that answers the calls it is told to, and a sweeper that does not really sleep.

    Attributes:
        sweeper: As above.
        seen: The names of what was asked, and the pauses, in seconds.
        deaf_for: So many more calls of this name it does not answer.
        done: Set once all was given up.
        while_asleep: Called in each pause.
    """

    def __init__(self, count: int) -> None:
        self.orphans = Orphans()
        for number in range(count):
            self.orphans.note(orphan(number))
        self.seen: list[str | float] = []
        self.deaf_for = {"load": 0, "free_lease": 0}
        self.done = threading.Event()
        self.while_asleep: Callable[[], object] = lambda: None
        self.sweeper = Sweeper(self.orphans, pause_seconds=PAUSE_SECONDS, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        """Note it."""
        self.seen.append(seconds)
        self.while_asleep()

    def ask(self, call: RedisCall[Any]) -> object:
        """Answer, or not: as the cache itself, which returns what went wrong with Redis and raises what came before."""
        self.seen.append(call.name)
        if self.deaf_for[call.name]:
            self.deaf_for[call.name] -= 1
            if self.deaf_for[call.name] % 2:
                return CacheUnavailable("no answer")
            raise CacheUnavailable("no answer")
        self.orphans.done(call)
        if not self.orphans:
            self.done.set()
        return None


def test_sweep_gives_all_up() -> None:
    """One after the other, once Redis has answered a look."""
    script = Script(3)
    script.sweeper.sweep(script.ask)

    assert script.seen == ["load", *["free_lease"] * 3]
    assert not script.orphans


def test_sweep_of_nothing() -> None:
    """Where nothing is left Redis is asked nothing."""
    script = Script(0)
    script.sweeper.sweep(script.ask)

    assert script.seen == []


@pytest.mark.parametrize(("name", "seen"), [("load", ["load"]), ("free_lease", ["load", "free_lease"])])
@pytest.mark.parametrize("times", [1, 2], ids=["raised", "returned"])
def test_sweep_stops_where_redis_is_silent(name: str, seen: list[str], times: int) -> None:
    """After a call that was not answered all others wait for the next time."""
    script = Script(3)
    script.deaf_for[name] = times
    script.sweeper.sweep(script.ask)

    assert (script.seen, len(script.orphans)) == (seen, 3)


def test_sweep_stops_where_the_cache_is_closed() -> None:
    """In the middle of its work too."""
    script = Script(3)
    ask = script.ask

    def ask_and_close(call: RedisCall[Any]) -> object:
        if len(script.seen) == 1:
            script.sweeper.close()
        return ask(call)

    script.ask = ask_and_close  # type: ignore[method-assign]
    script.sweeper.sweep(script.ask)

    assert (script.seen, len(script.orphans)) == (["load", "free_lease"], 2)


def test_thread_goes_on_until_all_are_given_up(threads: Threads) -> None:
    """It comes again as often as Redis is silent, never without a pause, and ends then; the next begins when needed."""
    script = Script(2)
    script.deaf_for = {"load": 1, "free_lease": 1}
    script.sweeper.wake(script.ask)
    assert script.done.wait(PATIENCE_SECONDS)
    threads.wait_until_none()
    assert script.seen == [0.5, "load", 0.5, "load", "free_lease", 0.5, "load", "free_lease", "free_lease"]

    script.sweeper.wake(script.ask)
    assert threads.running() == []

    script.done.clear()
    script.orphans.note(orphan())
    script.sweeper.wake(script.ask)
    assert script.done.wait(PATIENCE_SECONDS)


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
    script = Script(1)
    script.sweeper.wake(script.ask)
    script.sweeper.wake(script.ask)
    assert len(started) == 1

    script.sweeper._process = os.getppid()  # As it is in a child after a fork.
    script.sweeper.wake(script.ask)
    assert len(started) == 2


def test_what_came_as_the_thread_ended(started: list[Callable[[], None]]) -> None:
    """What was noted in the moment in which the thread ended has a thread of its own."""
    script = Script(1)

    class Late(Sweeper):
        def __setattr__(self, name: str, value: object) -> None:
            if name == "_process" and value == 0 and len(started) == 1:
                script.orphans.note(orphan(7))
                self.wake(script.ask)  # Whoever notes one now finds a thread that seems to run.
            super().__setattr__(name, value)

    late = Late(script.orphans, pause_seconds=PAUSE_SECONDS, sleep=script.sleep)
    late.wake(script.ask)
    started[0]()

    assert len(started) == 2


def test_thread_after_a_defect(started: list[Callable[[], None]]) -> None:
    """A defect ends the thread, not the giving up: the next call begins another."""
    script = Script(1)
    script.sweeper.wake(script.ask)
    script.while_asleep = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        started[0]()

    script.sweeper.wake(script.ask)

    assert len(started) == 2


def test_system_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started the next call tries it again, and no request sees anything of that."""
    script = Script(1)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        script.sweeper.wake(script.ask)
    script.sweeper.wake(script.ask)

    assert script.done.wait(PATIENCE_SECONDS)


def test_start_that_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends the process, or this request, in the very moment of the start is not kept from that."""
    script = Script(1)

    def interrupt(_thread: threading.Thread) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupt)
        with pytest.raises(SystemExit):
            script.sweeper.wake(script.ask)
    script.sweeper.wake(script.ask)

    assert script.done.wait(PATIENCE_SECONDS)


def test_cache_that_nobody_has(started: list[Callable[[], None]]) -> None:
    """The thread keeps no cache alive while it sleeps."""
    cache = RedisCache("redis://127.0.0.1:1", namespace="n")
    naps: list[bool] = []
    gone = weakref.ref(cache)

    def sleep(_seconds: float) -> None:
        nonlocal cache
        assert len(naps) < 2, "it goes on without a cache"
        naps.append(gone() is None)
        if len(naps) == 2:
            del cache
            gc.collect()  # The errors of redis-py's have their frames, and these the cache.

    cache.sweeper._sleep = sleep
    with contextlib.suppress(CacheUnavailable):
        cache.take_lease("k", ttl_seconds=60)
    started[0]()

    assert naps == [False, False]
    assert gone() is None


def test_unused_cache_goes_at_once() -> None:
    """Nor does a cache keep itself alive: its connections end with its last reference."""
    cache = RedisCache("redis://127.0.0.1:1", namespace="n")
    gone = weakref.ref(cache)
    gc.disable()
    try:
        del cache
        assert gone() is None
    finally:
        gc.enable()


def test_closed_cache_asks_nothing(threads: Threads) -> None:
    """A cache that was closed asks Redis nothing any more, be a call under way; in use again, it goes on."""
    cache = RedisCache("redis://127.0.0.1:1", namespace="n")
    ask = cache._ask

    def ask_and_close(*arguments: Any) -> object:
        cache.close()
        return ask(*arguments)

    cache._ask = ask_and_close  # type: ignore[assignment,method-assign]
    failure(lambda: cache.take_lease("k", ttl_seconds=60))
    assert (len(cache._health.orphans), threads.running()) == (1, [])

    cache._ask = ask  # type: ignore[method-assign]
    failure(lambda: cache.load("k"))
    assert len(threads.running()) == 1
    cache.close()
