"""Connections to a SQLite cache: each is used by one thread at a time, and by no other process than its own.

SQLite forbids to take a connection over a fork, even to close it there (sqlite.org/howtocorrupt.html, 2.6).
So all are closed before a fork, once the calls that are under way have ended.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

from fotoweb_middleware.caches.sqlite_errors import is_busy
from fotoweb_middleware.caches.sqlite_files import OpenFile, close_files, limit_wait, open_file
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["Connections"]

MOST_OPEN = 8
"""Connections of one process; who finds all of them lent waits: a call takes well under a millisecond."""
FORK_WAIT_SECONDS = 2.0
"""How long a fork may wait for calls that are under way; each is bounded by the busy time-out."""
NOTABLE_WAIT = 0.1
"""Who has spent more than this part of the busy time-out before SQLite is asked waits there for the rest alone."""


class Connections:
    """Opens connections as they are needed, and keeps a few for the next calls.

    Args:
        path: The database file.
        busy_timeout_seconds: How long a call waits for a lock.
        ready_folder: Called before a file is opened: makes the folder, or raises OSError.
    """

    def __init__(self, path: Path, busy_timeout_seconds: float, ready_folder: Callable[[], None]) -> None:
        self._path = path
        self._busy_timeout_seconds = busy_timeout_seconds
        self._ready_folder = ready_folder
        with FORKING[0]:  # A fork that is under way would not know of us.
            self.start_anew()
            POOLS.add(self)

    def start_anew(self) -> None:
        """Forget everything: this is a new process, and what there is belongs to its parent."""
        self._pid = os.getpid()
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._idle: list[OpenFile] = []
        self._lent = 0
        self._generation = 0
        self._forking = False

    @property
    def turn(self) -> threading.Lock:
        """Held by the thread of this process that writes: SQLite lets only one write, and lets the others poll."""
        self._leave_to_parent()
        return self._turn

    @contextlib.contextmanager
    def lend(self, deadline: float) -> Iterator[OpenFile]:
        """Lend a connection to the calling thread. After an exception it is closed, with whatever it had begun.

        Args:
            deadline: When to give up waiting, by ``time.monotonic``.

        Raises:
            CacheUnavailable: All connections were lent for too long.
            FilesLocked, OSError, sqlite3.Error: See ``open_file``.
        """
        self._leave_to_parent()
        opened, generation = self._claim(deadline)
        keep, late = False, opened is None
        try:
            if opened is None:
                self._ready_folder()
                opened = open_file(self._path, deadline)
            elif deadline - time.monotonic() < self._busy_timeout_seconds * (1 - NOTABLE_WAIT):
                late = True
                limit_wait(opened.connection, deadline - time.monotonic())
            yield opened
            keep = True
        except BaseException as error:
            # A connection that waited in vain is as good as before; closing it might have to wait too.
            keep = opened is not None and is_busy(error) and not opened.connection.in_transaction
            raise
        finally:
            if late and keep and opened is not None:
                limit_wait(opened.connection, self._busy_timeout_seconds)
            self._take_back(opened, keep=keep, generation=generation)

    def close(self) -> None:
        """Close all connections: those that are lent as soon as they come back."""
        self._leave_to_parent()
        with self._changed:  # Until they are closed: a fork in the middle of that leaves SQLite's own locks locked.
            self._generation += 1
            idle, self._idle = self._idle, []
            close_files(idle, self._deadline())

    def close_if_free(self) -> None:
        """Close all connections, or leave that to whoever is at them; waits for nobody.

        For the end of a cache that nobody closed. The collector of garbage may run it in any thread, in the middle of
        anything: also in one that holds a lock for which a fork waits, which holds ours (seen: a thread pool's).
        """
        self._leave_to_parent()
        if self._changed.acquire(blocking=False):
            try:
                idle, self._idle = self._idle, []
                close_files(idle, time.monotonic())
            finally:
                self._changed.release()

    def hold(self) -> None:
        """Before a fork: wait for the calls under way, close all connections, and let nothing begin."""
        self._changed.acquire()
        self._forking = True
        self._changed.wait_for(lambda: not self._lent, FORK_WAIT_SECONDS)
        self.close()

    def go_on(self) -> None:
        """After a fork, in the parent."""
        self._forking = False
        self._changed.notify_all()
        self._changed.release()

    def _claim(self, deadline: float) -> tuple[OpenFile | None, int]:
        """Return a connection, or None for the right to open one."""
        with self._changed:
            if self._forking or self._lent >= MOST_OPEN:
                free = self._changed.wait_for(
                    lambda: not self._forking and self._lent < MOST_OPEN, deadline - time.monotonic()
                )
                if not free:
                    raise CacheUnavailable(f"all connections to {self._path} are in use")
            self._lent += 1
            return self._idle.pop() if self._idle else None, self._generation

    def _take_back(self, opened: OpenFile | None, *, keep: bool, generation: int) -> None:
        with self._changed:
            kept = keep and generation == self._generation
            if kept and opened is not None:
                self._idle.append(opened)
        # A connection counts as lent until it is closed: a fork waits for that too.
        try:
            if opened is not None and not kept:
                close_files([opened], self._deadline())
        finally:
            with self._changed:
                self._lent -= 1
                self._changed.notify_all()

    def _deadline(self) -> float:
        return time.monotonic() + self._busy_timeout_seconds

    def _leave_to_parent(self) -> None:
        """Where a fork went past Python's hooks (a server in C): use none of the parent's connections, close none."""
        if self._pid == os.getpid():
            return
        for opened in self._idle:
            leak(opened.connection)
        self.start_anew()


def leak(thing: object) -> None:
    """Keep an object to the very end, past the clean-up of the interpreter, so that nothing ever closes it."""
    import ctypes  # noqa: PLC0415 (needed next to never, and missing in some builds)

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


POOLS: weakref.WeakSet[Connections] = weakref.WeakSet()
HELD: list[list[Connections]] = []
"""The pools that wait for a fork to be over; a list for each fork, since a signal handler may fork in another one."""
FORKING = [threading.RLock()]
"""Held by the thread that forks: two that held each other's pools would wait for ever."""


def before_fork() -> None:
    """Close every connection of this process."""
    FORKING[0].acquire()
    pools = list(POOLS)
    HELD.append(pools)
    for pool in pools:
        pool.hold()


def after_fork_in_parent() -> None:
    """Let calls go on."""
    for pool in HELD.pop():
        pool.go_on()
    FORKING[0].release()


def after_fork_in_child() -> None:
    """Begin without any connection, and with locks that nobody holds."""
    FORKING[0] = threading.RLock()
    HELD.clear()
    for pool in list(POOLS):
        pool.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=before_fork, after_in_parent=after_fork_in_parent, after_in_child=after_fork_in_child)
