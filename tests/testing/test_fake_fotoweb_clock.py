"""The clock that tests turn by hand."""

from __future__ import annotations

import pytest

from fotoweb_middleware.testing import FakeClock


def test_the_clock_stands_still() -> None:
    """Two readings are the same."""
    clock = FakeClock(100)
    assert (clock(), clock()) == (100, 100)


def test_the_clock_can_be_turned() -> None:
    """By seconds and parts of them."""
    clock = FakeClock(100)
    clock.advance(1.5)
    assert clock() == 101.5


def test_the_clock_runs_forward_only() -> None:
    """A negative turn is an error."""
    with pytest.raises(ValueError, match="-1"):
        FakeClock().advance(-1)


def test_the_clock_shows_its_reading() -> None:
    """In its repr."""
    assert repr(FakeClock(5.0)) == "FakeClock(5.0)"
