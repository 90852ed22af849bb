"""Who in this process is working on what, so that waiters are woken and need not ask again and again.

Threads and event loops may mix: a waiter is a callable that may be called from any thread.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable

from cachetools import TLRUCache

__all__ = ["Flights", "poll_seconds"]

MOST_CLAIMS = 50_000


class Flights:
    """Leases and claims within this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakes: dict[str, set[Callable[[], object]]] = {}
        self._claims: TLRUCache[str, float] = TLRUCache(
            MOST_CLAIMS, ttu=lambda _key, ttl_seconds, now: now + ttl_seconds, timer=time.monotonic
        )

    def begin(self, key: str) -> bool:
        """Take ``key``; False where somebody in this process holds it."""
        with self._lock:
            if key in self._wakes:
                return False
            self._wakes[key] = set()
            return True

    def end(self, key: str) -> None:
        """Give ``key`` up and wake whoever waits for it."""
        with self._lock:
            wakes = self._wakes.pop(key, set())
        for wake in wakes:
            with contextlib.suppress(RuntimeError):  # The waiter's event loop is gone, and the waiter with it.
                wake()

    def wait(self, key: str, wake: Callable[[], object]) -> bool:
        """Have ``wake`` called when ``key`` is given up; False where nobody in this process holds it."""
        with self._lock:
            wakes = self._wakes.get(key)
            if wakes is None:
                return False
            wakes.add(wake)
            return True

    def stop_waiting(self, key: str, wake: Callable[[], object]) -> None:
        """Have ``wake`` not called any more."""
        with self._lock:
            self._wakes.get(key, set()).discard(wake)

    def claim(self, key: str, ttl_seconds: float) -> bool:
        """Be the first in this process to use ``key``."""
        with self._lock:
            if key in self._claims:
                return False
            self._claims[key] = ttl_seconds
            return True


def poll_seconds(at_most_seconds: float) -> float:
    """Return how long to pause before asking again for a lease that is held elsewhere; jitter spreads the askers."""
    return min(at_most_seconds, random.uniform(0.03, 0.09))  # noqa: S311 (spreads load, guards nothing)
