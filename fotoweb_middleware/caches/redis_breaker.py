"""Spares requests the wait for a Redis that is down."""

from __future__ import annotations

import time
from collections.abc import Callable

from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["Breaker"]


class Breaker:
    """Refuses calls for a moment after one has failed; then lets one through, to see whether Redis is back.

    It holds no lock: one caller too many does no harm, and a lock could be held by another thread during a fork.

    Args:
        pause_seconds: How long after a failure every call is refused.
        trial_seconds: How long the one that is let through may take; the next is let through after that.
        monotonic: A clock that never jumps, in seconds.
    """

    def __init__(
        self, *, pause_seconds: float, trial_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._pause_seconds = pause_seconds
        self._trial_seconds = trial_seconds
        self._monotonic = monotonic
        self._is_down = False
        self._refuse_until = 0.0

    def admit(self) -> None:
        """Let a call through, or refuse it.

        Raises:
            CacheUnavailable: A call has just failed, or another is finding out whether Redis is back.
        """
        self.check()
        if self._is_down:
            self._refuse_until = self._monotonic() + self._trial_seconds

    def check(self) -> None:
        """Refuse a call that ``admit`` would refuse now: it need not queue.

        Raises:
            CacheUnavailable: As from ``admit``.
        """
        if self._is_down and self._monotonic() < self._refuse_until:
            raise CacheUnavailable("Redis was out of reach a moment ago and has not been asked again.")

    def trip(self) -> None:
        """Note that Redis is out of reach."""
        self._refuse_until = self._monotonic() + self._pause_seconds
        self._is_down = True

    def reset(self) -> None:
        """Note that Redis has answered."""
        self._is_down = False
