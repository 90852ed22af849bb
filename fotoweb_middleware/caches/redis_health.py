"""What both faces do before a call and after it: the breaker is asked, what happened is noted and told."""

from __future__ import annotations

import time
from typing import Any

from fotoweb_middleware.caches.redis_address import place_of
from fotoweb_middleware.caches.redis_breaker import Breaker
from fotoweb_middleware.caches.redis_failures import has_mend, is_out_of_step, is_outage, is_read_only, tell, words_of
from fotoweb_middleware.caches.redis_orphans import Orphans
from fotoweb_middleware.caches.redis_scripts import RedisCall
from fotoweb_middleware.caches.reports import Reports
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["PAUSE_SECONDS", "Health"]

PAUSE_SECONDS = 0.5
"""How long after a failure nobody waits for Redis."""
NEVER_ANSWERED = " It has not answered this process yet: are host and port right, and is it redis:// or rediss://?"


class Health:
    """How Redis is, as far as this process has seen.

    Args:
        url: Its address.
        timeout_seconds: Most time for a call.
        served_by: Of those who ask it for requests, where this is of one who only does what they left undone.

    Attributes:
        orphans: Leases that it may hold for nobody.
    """

    def __init__(self, url: str, *, timeout_seconds: float, served_by: Health | None = None) -> None:
        self._breaker = Breaker(pause_seconds=PAUSE_SECONDS, trial_seconds=timeout_seconds)
        self._reports = Reports(place_of(url), never_answered=NEVER_ANSWERED, is_silent=served_by is not None)
        self._fresh_until = 0.0
        self.orphans: Orphans = Orphans() if served_by is None else served_by.orphans

    def check(self, call: RedisCall[Any]) -> None:
        """See ``Breaker.check``: asked before a call queues."""
        try:
            self._breaker.check()
        except CacheUnavailable:
            self.left_undone(call)
            raise

    def admit(self, call: RedisCall[Any]) -> None:
        """See ``Breaker.admit``: asked right before Redis is."""
        self.check(call)
        if not call.makes_up:  # The look right before it was the trial. Should this fail, nobody must wait for it.
            self._breaker.admit()

    def left_undone(self, call: RedisCall[Any]) -> None:
        """Note a lease whose giving up Redis refused or was not asked for; nothing of any other call."""
        if call.must_happen and call.make_up is not None:
            self.orphans.note(call.make_up)

    def may_have_happened(self, call: RedisCall[Any]) -> None:
        """Note that nobody knows whether Redis has carried a call out, or will."""
        if call.make_up is not None:
            self.orphans.note(call.make_up)

    def answered(self, call: RedisCall[Any]) -> None:
        """Note that a call was answered."""
        self._breaker.reset()
        if call.makes_up:
            self._reports.in_reach()  # Of refusals it tells nothing: it writes nothing where the lease has ended.
            self.orphans.done(call)
        else:
            self._reports.answered(call.name)

    def failed(self, call: RedisCall[Any], error: Exception) -> CacheUnavailable:
        """Note that a call failed, and return what to raise."""
        name, cause = call.name, words_of(error)
        if not is_outage(error):
            self._breaker.reset()
            self._reports.in_reach()
            self._reports.refused(name, cause)
            self.left_undone(call)
            if call.makes_up:
                self.orphans.refused()
        # A giving up that was not answered is no outage: the look right before it was (CLIENT PAUSE holds back writes
        # alone). It stays noted; the breaker and the log are not told.
        elif not call.makes_up:
            self.may_have_happened(call)
            self._breaker.trip()
            self._reports.out_of_reach(cause, has_mend=has_mend(cause))
        return tell(error)

    def needs_new_connections(self, error: Exception) -> bool:
        """Return whether connections must be made anew; for a replica that refuses every write only now and then."""
        if is_read_only(error) and time.monotonic() >= self._fresh_until:
            self._fresh_until = time.monotonic() + PAUSE_SECONDS
            return True
        return is_out_of_step(error)

    def queue_too_long(self, call: RedisCall[Any]) -> CacheUnavailable:
        """Note that a call found no connection free in time, which is not Redis's fault; return what to raise."""
        self.left_undone(call)
        return self.no_turn(call.name)

    def no_turn(self, name: str) -> CacheUnavailable:
        """Return what to raise where nothing is free, be it a connection or a thread that waits for one."""
        cause = "too many calls at once wait for a connection (max_connections in FOTOWEB_CACHE)"
        self._reports.refused(name, cause)
        return CacheUnavailable(f"Redis was not asked: {cause}.")
