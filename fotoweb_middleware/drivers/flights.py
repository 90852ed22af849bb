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

from fotoweb_middleware.caches.forks import keep_over_forks

__all__ = ["Flights", "poll_seconds"]

MOST_CLAIMS = 50_000
NOBODY: set[Callable[[], object]] = set()
"""Who waits for most keys. Nobody is put in here: the first who waits for a key has a set made for it."""


class Flights:
    """Leases and claims within this process.

    Attributes:
        lock: See ``caches.forks``.
    """

    lock: threading.Lock

    def __init__(self) -> None:
        self.start_anew(whole=False)
        keep_over_forks(self)

    def start_anew(self, *, whole: bool) -> None:
        """See ``caches.forks``. Flights are forgotten: theirs would never end here. What was claimed stays claimed."""
        self.lock = threading.Lock()
        self._wakes: dict[str, set[Callable[[], object]]] = {}
        self._are_gone: dict[str, Callable[[], bool]] = {}
        if whole:
            return
        self._claims: TLRUCache[str, float] = TLRUCache(
            MOST_CLAIMS, ttu=lambda _key, ttl_seconds, now: now + ttl_seconds, timer=time.monotonic
        )

    def begin(self, key: str, is_gone: Callable[[], bool] = lambda: False) -> bool:
        """Take ``key``; False where somebody in this process holds it.

        Args:
            key: What to work on.
            is_gone: Returns whether the taker can never give it up any more; others may take it then.
        """
        with self.lock:
            if key in self._wakes and not self._are_gone[key]():
                return False
            self._wakes.setdefault(key, NOBODY)
            self._are_gone[key] = is_gone
            return True

    def end(self, key: str) -> None:
        """Give ``key`` up and wake whoever waits for it."""
        with self.lock:
            wakes = self._wakes.pop(key, NOBODY)
            self._are_gone.pop(key, None)
        for wake in wakes:
            with contextlib.suppress(RuntimeError):  # The waiter's event loop is gone, and the waiter with it.
                wake()

    def wait(self, key: str, wake: Callable[[], object]) -> bool:
        """Have ``wake`` called when ``key`` is given up; False where nobody in this process holds it."""
        with self.lock:
            wakes = self._wakes.get(key)
            if wakes is None or self._are_gone[key]():
                return False
            if wakes is NOBODY:
                wakes = self._wakes[key] = set()
            wakes.add(wake)
            return True

    def stop_waiting(self, key: str, wake: Callable[[], object]) -> None:
        """Have ``wake`` not called any more."""
        with self.lock:
            self._wakes.get(key, NOBODY).discard(wake)

    def claim(self, key: str, ttl_seconds: float) -> bool:
        """Be the first in this process to use ``key``."""
        with self.lock:
            if key in self._claims:
                return False
            self._claims[key] = ttl_seconds
            return True


def poll_seconds(at_most_seconds: float) -> float:
    """Return how long to pause before asking again for a lease that is held elsewhere; jitter spreads the askers."""
    return min(at_most_seconds, random.uniform(0.03, 0.09))  # noqa: S311 (spreads load, guards nothing)
