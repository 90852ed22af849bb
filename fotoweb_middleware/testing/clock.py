"""Clocks that tests move by hand."""

from __future__ import annotations

import threading
import time

__all__ = ["FakeClock", "ForwardClock"]


class FakeClock:
    """A clock that stands still until a test moves it.

    It stands in for `time.time` wherever a clock is an argument, and its `advance` stands in for `time.sleep`.
    Safe to use from many threads.

    Args:
        now: the first reading, in epoch seconds.
    """

    __slots__ = ("_lock", "_now")

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._now = now
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Tell the time in epoch seconds."""
        return self._now

    def __repr__(self) -> str:
        """Show the reading."""
        return f"FakeClock({self._now!r})"

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Args:
            seconds: how far; not negative.

        Raises:
            ValueError: when `seconds` is negative. Time does not go backwards.
        """
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, got {seconds!r}")
        with self._lock:
            self._now += seconds


class ForwardClock:
    """The machine's clock, which a test can move forward. Safe to use from many threads."""

    def __init__(self) -> None:
        self.reset()

    def __call__(self) -> float:
        """Return epoch seconds."""
        return time.time() + self._ahead_seconds()

    def monotonic(self) -> float:
        """Return monotonic seconds, moved forward by the same amount."""
        return time.monotonic() + self._ahead_seconds()

    def advance(self, seconds: float) -> None:
        """Move it forward.

        Args:
            seconds: How far; not negative.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        self._ahead_seconds.advance(seconds)

    def reset(self) -> None:
        """Show the machine's time again."""
        self._ahead_seconds = FakeClock(0.0)
