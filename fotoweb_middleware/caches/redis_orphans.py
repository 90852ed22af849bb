"""Leases that Redis may hold for nobody: what is known of them, and who gives them up once it answers.

A Redis that hangs carries out later what it was asked meanwhile, though nobody waits for it any more. A lease taken so
would keep everybody else from it until it ends; so would one that its holder could not give up. Whoever asked gives it
up, in the background: this process may have nothing else to ask for a while, and no request shall pay for what another
one left behind.

Each attempt begins with a look. Where Redis does not answer that, it is down for everybody, as after any other call.
Where it does, it has carried out what it was asked while it hung; should it then hold back the write alone
(CLIENT PAUSE), the looks of others go on.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from fotoweb_middleware.caches.redis_scripts import RedisCall, build_probe
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["Orphans", "Sweeper"]

MOST_ORPHANS = 1000
"""Where there are more the oldest are forgotten; those leases end by themselves."""
MOST_REFUSALS = 60
"""After so many in a row, in half a minute, all are forgotten: by then most leases have ended by themselves."""

Ask = Callable[[RedisCall[Any]], object]
"""Sends a call and waits for its end. A failure is returned or raised, always as ``CacheUnavailable``."""


class Orphans:
    """The calls that give such leases up, until Redis has carried them out.

    It holds no lock, which another thread could hold during a fork: a call that is sent twice does no harm.
    """

    def __init__(self) -> None:
        self._calls: dict[int, RedisCall[None]] = {}  # By identity: comparing them takes longer.
        self._refusals = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._calls)

    def note(self, call: RedisCall[None]) -> None:
        """Note a call, once."""
        self._calls.setdefault(id(call), call)
        if len(self._calls) > MOST_ORPHANS and (oldest := self.first()) is not None:
            self._forget(oldest)

    def done(self, call: RedisCall[Any]) -> None:
        """Forget a call that was carried out."""
        self._refusals = 0
        self._forget(call)

    def refused(self) -> None:
        """Note that Redis refuses to give one up: it may do so later (read-only, too few replicas), or never."""
        self._refusals += 1
        if self._refusals >= MOST_REFUSALS:
            self._refusals = 0
            self._calls.clear()

    def first(self) -> RedisCall[None] | None:
        """Return the oldest."""
        # ``list`` copies in one step, so that no other thread can change the dictionary in the middle of it.
        return next(iter(list(self._calls.values())), None)

    def _forget(self, call: RedisCall[Any]) -> None:
        self._calls.pop(id(call), None)


class Sweeper:
    """Has a thread give orphans up, one after the other, for as long as there are any.

    A thread under asyncio too: it needs no event loop that lives long enough, or is told when it is closed.

    Args:
        orphans: All of this process.
        pause_seconds: How long it waits before it begins, and after one that was not given up.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self, orphans: Orphans, *, pause_seconds: float, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._orphans = orphans
        self._pause_seconds = pause_seconds
        self._sleep = sleep
        self._process = 0  # The one whose thread is under way. A child of a fork has none of its parent's threads.
        self._is_closed = False

    def open(self) -> None:
        """Note that the cache is in use."""
        self._is_closed = False

    def close(self) -> None:
        """Begin no further call until the cache is in use again."""
        self._is_closed = True

    def wake(self, ask: Ask) -> None:
        """See to it that the thread runs, where there is something to do.

        Args:
            ask: A method; the thread does not keep alive what it belongs to.
        """
        if not self._orphans or self._is_closed or self._process == os.getpid():
            return
        self._process = os.getpid()
        run = partial(self._run, weakref.WeakMethod(ask))
        try:
            threading.Thread(target=run, name="redis-orphans", daemon=True).start()
        except BaseException as error:
            self._process = 0  # The next call tries it again.
            if not isinstance(error, RuntimeError):  # The system has no thread left, or the process is ending.
                raise

    def _run(self, ask_of: Callable[[], Ask | None]) -> None:
        try:
            while self._orphans and not self._is_closed:
                self._sleep(self._pause_seconds)
                ask = ask_of()
                if ask is None:
                    return
                self.sweep(ask)
                del ask
        finally:
            self._process = 0
        if (ask := ask_of()) is not None:
            # For what was noted after the last look at them: whoever did that found a thread that seemed to run.
            self.wake(ask)

    def sweep(self, ask: Ask) -> None:
        """Give up as many as Redis lets us."""
        orphan = self._orphans.first()
        if orphan is None or self._is_closed or not is_answered(ask, build_probe(orphan)):
            return
        while (orphan := self._orphans.first()) is not None and not self._is_closed:
            is_answered(ask, orphan)
            if self._orphans.first() is orphan:  # Neither done nor given up for good.
                return


def is_answered(ask: Ask, call: RedisCall[Any]) -> bool:
    """Ask, and return whether Redis did it."""
    try:
        return not isinstance(ask(call), CacheUnavailable)
    except CacheUnavailable:
        return False
