"""Leases end with the run that took them, and whoever waits is woken at once (R-TE14, R-TE15)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Lease
from fotoweb_middleware.drivers.flights import Flights
from fotoweb_middleware.effects import AwaitLease, Detach, Effect, Flow, LoadRecord, TakeLease
from fotoweb_middleware.errors import CacheUnavailable
from tests.drivers.kit import Engine, perform, performing, stepping

HOLD_SECONDS = 0.05


@pytest.fixture(autouse=True)
def no_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a waiter polls instead of being woken."""

    def poll(at_most_seconds: float) -> float:
        raise AssertionError(at_most_seconds)

    for module in ("blocking", "awaiting"):
        monkeypatch.setattr(f"fotoweb_middleware.drivers.{module}.poll_seconds", poll)


def is_free(engine: Engine, key: str = "k") -> bool:
    """Return whether a lease can be had, in this process and from the cache."""
    return not engine.cache.is_leased(key) and engine.run(perform(TakeLease(key, 60))) is not None


def test_held_within_process(engine: Engine) -> None:
    """What is held in this process is not asked of the cache."""
    results = engine.run(performing(TakeLease("k", 60), TakeLease("k", 60), TakeLease("k", 60, local_only=True)))
    assert ([result is None for result in results], engine.cache.calls[:-1]) == (
        [False, True, True],
        [("take_lease", "k")],
    )


def test_held_elsewhere(engine: Engine) -> None:
    """What another process holds is None, and is not held here afterwards."""
    lease = engine.cache.memory.take_lease("k", ttl_seconds=60)
    assert lease is not None
    refused = engine.run(perform(TakeLease("k", 60)))
    engine.cache.memory.free_lease(lease)
    assert (refused, is_free(engine)) == (None, True)


def test_freed_on_success(engine: Engine) -> None:
    """A lease ends with its run."""
    engine.run(perform(TakeLease("k", 60)))
    assert is_free(engine)


def test_freed_on_failure(engine: Engine) -> None:
    """A lease ends with a run that fails by an error of ours."""
    engine.cache.broken.add("load")
    with pytest.raises(CacheUnavailable):
        engine.run(stepping(TakeLease("k", 60), LoadRecord("x")))
    assert is_free(engine)


@pytest.mark.parametrize("local_only", [False, True])
def test_freed_on_bug(engine: Engine, local_only: bool) -> None:
    """A lease ends with a run that fails by any error."""
    with pytest.raises(TypeError):
        engine.run(stepping(TakeLease("k", 60, local_only=local_only), Effect[Any]()))
    assert is_free(engine)


def test_all_freed(engine: Engine) -> None:
    """Every lease of a run ends with it."""
    engine.run(performing(TakeLease("a", 60), TakeLease("b", 60), TakeLease("c", 60, local_only=True)))
    assert all(is_free(engine, key) for key in "abc")


def test_held_until_the_end(engine: Engine) -> None:
    """A lease is held until its run has ended, and not given up before."""
    seen = []

    def flow() -> Flow[None]:
        yield from TakeLease("k", 60)
        yield from LoadRecord("x")
        seen.append(engine.cache.is_leased("k"))

    engine.run(flow())
    assert seen == [True]


def test_cache_down_when_taken(engine: Engine) -> None:
    """A lease that the cache could not give is not held in this process either."""
    engine.cache.broken.add("take_lease")
    engine.run(performing(TakeLease("k", 60)))
    engine.cache.broken.clear()
    assert is_free(engine)


def test_cache_down_when_freed(engine: Engine) -> None:
    """A lease that the cache can't take back ends by itself: the run goes well, and this process is free."""
    engine.cache.broken.add("free_lease")
    first = engine.run(perform(TakeLease("k", 60)))
    again = engine.run(perform(TakeLease("k", 60, local_only=True)))
    assert (first is None, again) == (False, Lease("k", "", 0))


def test_local_lease_not_freed_in_cache(engine: Engine) -> None:
    """A lease within this process alone does not bother the cache at its end."""
    engine.run(perform(TakeLease("k", 60, local_only=True)))
    assert engine.cache.calls == []


def test_detached_lease_ends_with_flow(engine: Engine) -> None:
    """A lease that was handed to a detached flow ends with that flow, before its asker goes on."""
    seen = []

    def inner() -> Flow[None]:
        yield from LoadRecord("x")
        seen.append(engine.cache.is_leased("k"))

    def outer() -> Flow[None]:
        lease = yield from TakeLease("k", 60)
        yield from Detach(inner(), lease)
        seen.append(engine.cache.is_leased("k"))

    engine.run(outer())
    assert seen == [True, False]


def test_detached_failure_frees_lease(engine: Engine) -> None:
    """It ends with a detached flow that fails, too."""
    engine.cache.broken.add("load")

    def outer() -> Flow[str]:
        lease = yield from TakeLease("k", 60)
        try:
            yield from Detach(stepping(LoadRecord("x")), lease)
        except CacheUnavailable:
            return "told"
        return "not told"

    assert (engine.run(outer()), is_free(engine)) == ("told", True)


def test_detached_lease_ends_once(engine: Engine) -> None:
    """The end of the asker does not give up what somebody else took after the detached flow."""

    def outer() -> Flow[None]:
        lease = yield from TakeLease("k", 60)
        yield from Detach(perform(LoadRecord("x")), lease)
        somebody_else = engine.cache.memory.take_lease("k", ttl_seconds=60)
        assert somebody_else is not None
        assert flights_of(engine).begin("k")

    engine.run(outer())
    assert (engine.cache.is_leased("k"), flights_of(engine).begin("k")) == (True, False)


def flights_of(engine: Engine) -> Flights:
    """Return what an engine's driver knows of this process."""
    return engine._blocking._flights if engine.name == "threads" else engine._awaiting._flights


def test_lease_kept_from_detach(engine: Engine) -> None:
    """A lease that was not handed over stays with its own run."""
    seen = []

    def outer() -> Flow[None]:
        yield from TakeLease("k", 60)
        yield from Detach(perform(LoadRecord("x")))
        seen.append(engine.cache.is_leased("k"))

    engine.run(outer())
    assert (seen, is_free(engine)) == ([True], True)


def test_waiters_woken(engine: Engine) -> None:
    """Waiters are woken as soon as the holder is done, all of them, and don't poll."""
    log: list[str] = []
    released, held = threading.Event(), threading.Event()

    def holder() -> Flow[float]:
        lease = yield from TakeLease("k", 60)
        assert lease is not None
        held.set()
        while not released.is_set():
            yield from LoadRecord("turn")
            time.sleep(0.001)
        log.append("freed")
        return 0.0

    def waiter() -> Flow[float]:
        while not held.is_set():
            yield from LoadRecord("turn")
            time.sleep(0.001)
        yield from LoadRecord("about to wait")
        if len([call for call in engine.cache.calls if call[1] == "about to wait"]) == 3:
            threading.Timer(HOLD_SECONDS, released.set).start()
        waited_seconds = yield from AwaitLease("k", 30)
        log.append("woken")
        return waited_seconds

    waited = engine.run_together(holder(), waiter(), waiter(), waiter())
    assert (log, max(waited) < 10) == (["freed", "woken", "woken", "woken"], True)


def test_wait_ends(engine: Engine) -> None:
    """A waiter waits no longer than it said, and says how long it was."""

    def flow() -> Flow[float]:
        yield from TakeLease("k", 60)
        return (yield from AwaitLease("k", HOLD_SECONDS))

    assert HOLD_SECONDS * 0.9 <= engine.run(flow()) < 10


def test_given_up_waiter_is_forgotten(engine: Engine) -> None:
    """A waiter that gave up is not woken any more."""
    left = []

    def flow() -> Flow[None]:
        yield from TakeLease("k", 60)
        yield from AwaitLease("k", 0.001)
        left.append(len(flights_of(engine)._wakes["k"]))

    engine.run(flow())
    assert left == [0]


def test_single_flight(engine: Engine) -> None:
    """Of many that want one lease, one at a time has it, and each gets it in the end."""
    inside, most = [0], [0]

    def flow() -> Flow[str]:
        while True:
            lease = yield from TakeLease("k", 60)
            if lease is not None:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                yield from LoadRecord("work")
                inside[0] -= 1
                return "done"
            yield from LoadRecord("turn")

    results = engine.run_together(*(flow() for _ in range(20)))
    assert (results, most) == (["done"] * 20, [1])
