"""Leases that Redis may hold for nobody: what is known of them, and who gives them up once it answers.

A Redis that hangs carries out later what it was asked meanwhile, though nobody waits for it any more. A lease taken so
would keep everybody else from it until it ends. Whoever asked gives it up, in the background: this process may have
nothing else to ask for a while, and no request shall pay for what another one left behind.

Each attempt begins with a look. Where Redis does not answer that, it is down for everybody, as after any other call.
Where it does, it has carried out what it was asked while it hung; should it then hold back the write alone
(CLIENT PAUSE), the looks of others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from fotoweb_middleware.caches.redis_scripts import RedisCall, build_probe
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["LoopSweeper", "Orphans", "ThreadSweeper"]

MOST_ORPHANS = 1000
"""Of more the oldest are left to end by themselves."""


class Orphans:
    """The calls that give such leases up, until Redis has answered them.

    It holds no lock, which another thread could hold during a fork: a call that is sent twice does no harm.
    """

    def __init__(self) -> None:
        self._calls: deque[RedisCall[None]] = deque(maxlen=MOST_ORPHANS)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._calls)

    def note(self, call: RedisCall[None]) -> None:
        """Note a call, once."""
        if not any(noted is call for noted in list(self._calls)):
            self._calls.append(call)

    def forget(self, call: RedisCall[Any]) -> None:
        """Forget a call that Redis has answered, be it with a refusal."""
        with contextlib.suppress(ValueError):
            self._calls.remove(call)

    def clear(self) -> None:
        """Leave all to end by themselves."""
        self._calls.clear()

    def first(self) -> RedisCall[None] | None:
        """Return the oldest."""
        try:
            return self._calls[0]
        except IndexError:
            return None


class ThreadSweeper:
    """Has a thread give orphans up, one after the other, for as long as there are any.

    Args:
        orphans: All of this process.
        ask: Sends a call and waits for its end; returns ``CacheUnavailable``, or raises it, where that is a failure.
        pause_seconds: How long it waits before it begins, and after one that Redis did not answer.
    """

    def __init__(self, orphans: Orphans, ask: Callable[[RedisCall[Any]], object], *, pause_seconds: float) -> None:
        self._orphans = orphans
        self._ask = ask
        self._pause_seconds = pause_seconds
        self._process = 0  # The one whose thread is under way. A child of a fork has none of its parent's threads.

    def wake(self) -> None:
        """See to it that the thread runs, where there is something to do."""
        if not self._orphans or self._process == os.getpid():
            return
        self._process = os.getpid()
        run = partial(keep_sweeping, weakref.ref(self), self._pause_seconds)
        try:
            threading.Thread(target=run, name="redis-orphans", daemon=True).start()
        except RuntimeError:  # The system has no thread left, or the process is ending. The next call tries it again.
            self._process = 0

    def sweep(self) -> bool:
        """Give up as many as Redis lets us.

        Returns:
            Whether some are left.
        """
        orphan = self._orphans.first()
        if orphan is not None and not self._is_answered(build_probe(orphan)):
            return True
        while (orphan := self._orphans.first()) is not None:
            self._is_answered(orphan)
            if self._orphans.first() is orphan:
                return True
        return False

    def _is_answered(self, call: RedisCall[Any]) -> bool:
        try:
            return not isinstance(self._ask(call), CacheUnavailable)
        except CacheUnavailable:
            return False

    def rest(self) -> None:
        """Note that the thread has ended."""
        self._process = 0
        self.wake()  # For what came in the very moment before.


def keep_sweeping(sweeper_of: Callable[[], ThreadSweeper | None], pause_seconds: float) -> None:
    """Sweep from time to time until nothing is left; a cache that is no longer in use is not kept alive for that."""
    is_left = True
    while is_left:
        time.sleep(pause_seconds)
        sweeper = sweeper_of()
        if sweeper is None:
            return
        is_left = False
        try:
            is_left = sweeper.sweep()
        finally:
            if not is_left:
                sweeper.rest()
        del sweeper


Start = Callable[[RedisCall[Any]], asyncio.Task[Any]]
"""Begins a call, and returns its task."""


class LoopSweeper:
    """Has an event loop of asyncio do the same. Between two attempts there is a timer and no task.

    So nothing is left pending where a loop is closed and the cache is not.

    Args:
        orphans: All of this process.
        pause_seconds: See ``ThreadSweeper``.
    """

    def __init__(self, orphans: Orphans, *, pause_seconds: float) -> None:
        self._orphans = orphans
        self._pause_seconds = pause_seconds
        self._is_awake = False
        self._is_closed = False

    def wake(self, start: Start) -> None:
        """Begin in a while, where there is something to do and it has not begun."""
        if self._orphans and not self._is_awake:
            self._is_awake = True
            self._go_on_later(start)

    def close(self) -> None:
        """Begin no further call."""
        self._is_closed = True

    def _go_on_later(self, start: Start) -> None:
        asyncio.get_running_loop().call_later(self._pause_seconds, self._look, start)

    def _look(self, start: Start) -> None:
        if (orphan := self._next()) is not None:
            start(build_probe(orphan)).add_done_callback(partial(self._looked, start))

    def _looked(self, start: Start, look: asyncio.Task[object]) -> None:
        if look.cancelled() or look.exception() is not None:
            self._go_on_later(start)
        else:
            self._give_up(start)

    def _give_up(self, start: Start) -> None:
        if (orphan := self._next()) is not None:
            start(orphan).add_done_callback(partial(self._gave_up, start, orphan))

    def _gave_up(self, start: Start, orphan: RedisCall[None], _task: asyncio.Task[None]) -> None:
        if self._orphans.first() is orphan:
            self._go_on_later(start)
        else:
            self._give_up(start)

    def _next(self) -> RedisCall[None] | None:
        orphan = None if self._is_closed else self._orphans.first()
        self._is_awake = orphan is not None
        return orphan
