"""Spreads work over the turns of an event loop, so that a crowd leaves room between its members for everything else.

A thousand tasks that become ready in one moment run in one turn of the loop, and until all of them have, no timer and
no other request gets its turn. So whoever is about to compute asks here first, and a few of a crowd go on in each turn.
"""

from __future__ import annotations

import asyncio
import enum
import itertools
import weakref
from collections import deque
from collections.abc import Awaitable, Callable

import anyio.lowlevel

from fotoweb_middleware.drivers.loops import Waiter, call_soon, new_waiter, wait, wake

__all__ = ["STEPS_IN_A_TURN", "Pace", "PaceOfLoops", "Rank"]

NUMBERS = itertools.count()

STEPS_IN_A_TURN = 4
"""Of flows: where they begin, before they call FotoWeb, and when what they wait for has come. Each of these steps is
some tenths of a millisecond of computing. The sockets of calls under way fill the rest of a turn."""


class Rank(enum.IntEnum):
    """Who of those that wait goes on first: what is nearly done, since everything under way holds memory."""

    ANSWERED = 0
    CALLING = 1
    BEGINNING = 2


class Pace:
    """Lets so many go on in one turn of one event loop; those beyond wait for one of the next.

    Args:
        most: How many go on in one turn.
        call_soon: Has a callable run in the next turn of the loop that runs just now. (A pace that held its loop would
            outlive it.)
    """

    def __init__(self, most: int, call_soon: Callable[[Callable[[], object]], object]) -> None:
        self._most = self._room = most
        self._call_soon = call_soon
        self._is_turn_due = False
        self._waiting: tuple[deque[Waiter], ...] = tuple(deque() for _ in Rank)

    async def keep(self, rank: Rank) -> None:
        """Return in this turn of the loop where it has room, else in the first that has."""
        self._expect_turn()
        if self._room:
            self._room -= 1
            return
        await self.queue(rank)

    def queue(self, rank: Rank) -> Awaitable[None]:
        """Wait for one of the next turns, whatever room this one has."""
        self._expect_turn()
        waiter = new_waiter()
        self._waiting[rank].append(waiter)
        return wait(waiter)

    def _expect_turn(self) -> None:
        if not self._is_turn_due:
            self._is_turn_due = True
            self._call_soon(self._begin_turn)

    def _begin_turn(self) -> None:
        """Give this turn's room to those who wait; one that was cancelled meanwhile takes a place all the same."""
        self._room = self._most
        for queue in self._waiting:
            while queue and self._room:
                wake(queue.popleft())
                self._room -= 1
        self._is_turn_due = self._room < self._most
        if self._is_turn_due:
            self._call_soon(self._begin_turn)


class PaceOfLoops:
    """A pace for each event loop.

    Args:
        most: How many go on in one turn.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # The loop that was asked for last, which is the only one in nearly every process, and its pace.
        self._last: tuple[Callable[[], asyncio.AbstractEventLoop | None], Callable[[], Pace | None]]
        self._last = (lambda: None), (lambda: None)
        # Takes half the time of a ``RunVar``, which looks for the loop's kind first.
        self._of_asyncio: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pace] = weakref.WeakKeyDictionary()
        self._of_trio: anyio.lowlevel.RunVar[Pace] = anyio.lowlevel.RunVar(f"pace {next(NUMBERS)}")

    def here(self) -> Pace:
        """Return that of the loop that runs just now."""
        try:
            loop = asyncio.get_running_loop()
        except (
            RuntimeError
        ):  # trio. ``is_asyncio`` would ask for the loop twice, and a thousand may come in one moment.
            loop = None
        if loop is not None:
            last_loop, last_pace = self._last  # Together, since loops of other threads may change it meanwhile.
            if last_loop() is loop and (last := last_pace()) is not None:
                return last
            known = self._of_asyncio.get(loop)
            if known is None:
                known = self._of_asyncio[loop] = Pace(self._most, call_soon)
            self._last = weakref.ref(loop), weakref.ref(known)
            return known
        pace = self._of_trio.get(None)
        if pace is None:
            pace = Pace(self._most, call_soon)
            self._of_trio.set(pace)
        return pace
