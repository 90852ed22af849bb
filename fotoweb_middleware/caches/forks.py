"""What a process remembers goes through a fork whole (``gunicorn --preload``, uWSGI, multiprocessing).

A child has a copy of all memory, but of all threads only the one that forked. A lock that another thread held is then
locked for ever, and what that thread was changing stays half changed. So every lock is taken before a fork, given back
in the parent, and made anew in the child.

No deadlock comes of that: whoever holds one of these locks takes no other lock of ours. It touches memory alone, for
microseconds, or imports modules (``drivers.later``, ``drivers.calling``), for a tenth of a second.
Two threads that fork at once take turns.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Protocol

__all__ = ["Forks", "Kept", "keep_over_forks"]

PATIENCE_SECONDS = 2.0
"""How long a fork waits for all locks together. Only a fork from within a signal handler, whose own thread holds one,
waits that long."""


class Kept(Protocol):
    """Something that goes through forks.

    Attributes:
        lock: Held while something is changed; whoever holds it takes no other lock of ours.
    """

    lock: threading.Lock

    def start_anew(self, *, whole: bool) -> None:
        """Go on in the child, with a lock that nobody holds.

        Args:
            whole: False where the lock could not be had: what there is may be half changed, and must be forgotten.
        """


class Forks:
    """Takes things through the forks of this process; there is one for all."""

    def __init__(self) -> None:
        self._things: weakref.WeakSet[Kept] = weakref.WeakSet()
        self._turn = threading.RLock()
        self._held: list[list[Kept]] = []  # A list for each fork: a signal handler may fork in the middle of another.

    def keep(self, thing: Kept) -> None:
        """Take ``thing`` through every fork, as long as it lives."""
        with self._turn:
            self._things.add(thing)

    def before(self) -> None:
        """Before a fork: let every change come to its end, and none begin."""
        self._turn.acquire()
        held: list[Kept] = []
        self._held.append(held)
        ends_at = time.monotonic() + PATIENCE_SECONDS
        for thing in list(self._things):
            if thing.lock.acquire(timeout=max(0.0, ends_at - time.monotonic())):
                held.append(thing)  # noqa: PERF401 (each is noted as soon as it is held)

    def in_parent(self) -> None:
        """After a fork, and after one that failed: go on."""
        for thing in self._held.pop():
            thing.lock.release()
        self._turn.release()

    def in_child(self) -> None:
        """After a fork: begin with locks that nobody holds, also where a server in C told us nothing before it."""
        whole = {id(thing) for held in self._held for thing in held}
        self._held.clear()
        self._turn = threading.RLock()
        for thing in list(self._things):
            thing.start_anew(whole=id(thing) in whole)


FORKS = Forks()
keep_over_forks = FORKS.keep

if hasattr(os, "register_at_fork"):  # Not on Windows, which knows no forks.
    os.register_at_fork(before=FORKS.before, after_in_parent=FORKS.in_parent, after_in_child=FORKS.in_child)
