"""The breaker spares requests the wait for a Redis that is down."""

from __future__ import annotations

import pytest

from fotoweb_middleware.caches.redis_breaker import Breaker
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock to turn."""
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> Breaker:
    """Return a breaker that has never tripped."""
    return Breaker(pause_seconds=0.5, trial_seconds=1, monotonic=clock)


def admits(breaker: Breaker) -> bool:
    """Return whether a call is let through."""
    try:
        breaker.admit()
    except CacheUnavailable:
        return False
    return True


def test_lets_all_through(breaker: Breaker) -> None:
    """While nothing fails every call is let through."""
    assert [admits(breaker) for _ in range(3)] == [True] * 3


def test_refuses_after_failure(breaker: Breaker, clock: FakeClock) -> None:
    """After a failure calls are refused for the pause."""
    breaker.trip()
    clock.advance(0.4)
    assert not admits(breaker)


def test_lets_one_through(breaker: Breaker, clock: FakeClock) -> None:
    """After the pause one call finds out, and the others don't wait with it."""
    breaker.trip()
    clock.advance(0.6)
    assert [admits(breaker) for _ in range(3)] == [True, False, False]


def test_next_trial(breaker: Breaker, clock: FakeClock) -> None:
    """Where the one that finds out never comes back, another follows."""
    breaker.trip()
    clock.advance(0.6)
    admits(breaker)
    clock.advance(1.1)
    assert admits(breaker)


def test_pause_after_failed_trial(breaker: Breaker, clock: FakeClock) -> None:
    """A failed trial begins a new pause."""
    breaker.trip()
    clock.advance(0.6)
    admits(breaker)
    breaker.trip()
    clock.advance(0.6)
    assert admits(breaker)


def test_answer_resets(breaker: Breaker) -> None:
    """An answer lets all through again."""
    breaker.trip()
    breaker.reset()
    assert [admits(breaker) for _ in range(3)] == [True] * 3
