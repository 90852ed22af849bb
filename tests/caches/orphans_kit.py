"""What the tests of leases that Redis holds for nobody share."""

from __future__ import annotations

import threading

import redis

from fotoweb_middleware.caches.protocol import Lease
from fotoweb_middleware.caches.redis_scripts import RedisCall, build_free_lease

__all__ = ["OUTAGE", "PATIENCE_SECONDS", "Threads", "orphan"]

PATIENCE_SECONDS = 30.0
OUTAGE = redis.exceptions.TimeoutError("no answer")


def orphan(number: int = 0) -> RedisCall[None]:
    """Return what gives up a lease that Redis may hold for nobody."""
    call = build_free_lease("n", Lease(f"k{number}", "me", 1)).make_up
    assert call is not None
    return call


class Threads:
    """The threads that give leases up and were begun since this was made."""

    def __init__(self) -> None:
        self._before = set(threading.enumerate())

    def running(self) -> list[threading.Thread]:
        """Return those that run."""
        names = [thread for thread in threading.enumerate() if thread.name == "redis-orphans"]
        return [thread for thread in names if thread not in self._before]

    def wait_until_none(self) -> None:
        """Wait until all have ended: they may still sleep when their work is done."""
        for thread in self.running():
            thread.join(PATIENCE_SECONDS)
        assert self.running() == []
