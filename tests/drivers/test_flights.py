"""Who in this process works on what."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fotoweb_middleware.drivers.flights import Flights, poll_seconds
from fotoweb_middleware.testing import FakeClock


def test_begin_once() -> None:
    """A key is taken by one at a time."""
    flights = Flights()
    assert [flights.begin("k"), flights.begin("k"), flights.begin("l")] == [True, False, True]


def test_end_frees() -> None:
    """A key that was given up can be taken again."""
    flights = Flights()
    flights.begin("k")
    flights.end("k")
    assert flights.begin("k")


def test_end_of_nothing() -> None:
    """Giving up what nobody holds does nothing."""
    flights = Flights()
    flights.end("k")
    assert flights.begin("k")


def test_every_waiter_woken_once() -> None:
    """Every waiter is woken when the key is given up, and not again the next time."""
    flights, woken = Flights(), []
    wakes = [lambda: woken.append("a"), lambda: woken.append("b")]
    flights.begin("k")
    for wake in wakes:
        flights.wait("k", wake)
    flights.end("k")
    flights.begin("k")
    flights.end("k")
    assert sorted(woken) == ["a", "b"]


def test_nothing_to_wait_for() -> None:
    """Where nobody in this process holds the key there is nobody to wake anybody."""
    assert not Flights().wait("k", lambda: None)


def test_stop_waiting() -> None:
    """Who stopped waiting is not woken; stopping twice, or after the end, does nothing."""
    flights, woken = Flights(), []

    def wake() -> None:
        woken.append(True)

    flights.begin("k")
    flights.wait("k", wake)
    flights.stop_waiting("k", wake)
    flights.stop_waiting("k", wake)
    flights.end("k")
    flights.stop_waiting("k", wake)
    assert woken == []


def test_one_dead_waiter_keeps_nobody_waiting() -> None:
    """A waiter whose event loop is gone does not keep the others from being woken."""
    flights, woken = Flights(), []

    def dead() -> None:
        raise RuntimeError("Event loop is closed")

    flights.begin("k")
    for _ in range(5):
        flights.wait("k", lambda: dead())  # noqa: PLW0108 (a callable of its own for each)
        flights.wait("k", lambda: woken.append(True))
    flights.end("k")
    assert woken == [True] * 5


def test_claim_once() -> None:
    """A key is claimed once, and giving it up as a lease does not free it."""
    flights = Flights()
    first = flights.claim("k", 60)
    flights.end("k")
    assert [first, flights.claim("k", 60), flights.claim("l", 60)] == [True, False, True]


def test_claim_lasts_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim lasts for its time, and ends then."""
    clock = FakeClock(0.0)
    monkeypatch.setattr("fotoweb_middleware.drivers.flights.time", SimpleNamespace(monotonic=clock))
    flights = Flights()
    flights.claim("k", 60)
    clock.advance(59)
    before = flights.claim("k", 60)
    clock.advance(2)
    assert (before, flights.claim("k", 60)) == (False, True)


def test_claims_bounded() -> None:
    """Claims don't grow without bound (R-RL2)."""
    flights = Flights()
    assert flights._claims.maxsize <= 50_000


@pytest.mark.parametrize(("at_most", "low", "high"), [(10, 0.03, 0.09), (0.01, 0.01, 0.01), (0, 0, 0)])
def test_poll_seconds(at_most: float, low: float, high: float) -> None:
    """A pause is a few hundredths of a second, and never longer than allowed."""
    pauses = [poll_seconds(at_most) for _ in range(100)]
    assert (min(pauses) >= low, max(pauses) <= high) == (True, True)


def test_poll_jitter() -> None:
    """Pauses differ: those who ask again don't ask together."""
    assert len({poll_seconds(10) for _ in range(20)}) > 1
