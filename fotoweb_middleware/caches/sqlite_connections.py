"""Connections to a SQLite cache: each is used by one thread at a time, and by no other process than its own.

SQLite forbids to take a connection over a fork, even to close it there (sqlite.org/howtocorrupt.html, 2.6).
So all are closed before a fork, once the calls that are under way have ended.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

from fotoweb_middleware.caches.sqlite_files import OpenFile, close_file, open_file

__all__ = ["Connections"]

MOST_IDLE = 8
FORK_WAIT_SECONDS = 2.0
"""How long a fork may wait for calls that are under way; each is bounded by the busy time-out."""


class Connections:
    """Opens connections as they are needed, and keeps a few for the next calls.

    Args:
        path: The database file.
        busy_timeout_seconds: How long a call waits for a lock.
        ready_folder: Called before a file is opened: makes the folder, or raises OSError.

    Attributes:
        turn: Held by the thread of this process that writes: SQLite lets only one write, and lets the others poll.
    """

    turn: threading.Lock

    def __init__(self, path: Path, busy_timeout_seconds: float, ready_folder: Callable[[], None]) -> None:
        self._path = path
        self._busy_timeout_seconds = busy_timeout_seconds
        self._ready_folder = ready_folder
        self.start_anew()
        POOLS.add(self)

    def start_anew(self) -> None:
        """Forget everything: this is a new process, and what there is belongs to its parent."""
        self._pid = os.getpid()
        self.turn = threading.Lock()
        self._changed = threading.Condition()
        self._idle: list[OpenFile] = []
        self._lent = 0
        self._generation = 0
        self._forking = False

    @contextlib.contextmanager
    def lend(self) -> Iterator[OpenFile]:
        """Lend a connection to the calling thread. After an exception it is closed, with whatever it had begun.

        Raises:
            FilesLocked, OSError, sqlite3.Error: See ``open_file``.
        """
        self._leave_to_parent()
        with self._changed:
            self._changed.wait_for(lambda: not self._forking, FORK_WAIT_SECONDS)
            self._lent += 1
            generation = self._generation
            opened = self._idle.pop() if self._idle else None
        fine = False
        try:
            if opened is None:
                opened = self._open()
            yield opened
            fine = True
        finally:
            self._take_back(opened, keep=fine, generation=generation)

    def close(self) -> None:
        """Close all connections: those that are lent as soon as they come back."""
        self._leave_to_parent()
        with self._changed:
            self._generation += 1
            idle, self._idle = self._idle, []
        for opened in idle:
            close_file(opened, self._busy_timeout_seconds)

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

    def _open(self) -> OpenFile:
        self._ready_folder()
        return open_file(self._path, self._busy_timeout_seconds)

    def _take_back(self, opened: OpenFile | None, *, keep: bool, generation: int) -> None:
        with self._changed:
            kept = keep and generation == self._generation and len(self._idle) < MOST_IDLE
            if kept and opened is not None:
                self._idle.append(opened)
        # A connection counts as lent until it is closed: a fork waits for that too.
        try:
            if opened is not None and not kept:
                close_file(opened, self._busy_timeout_seconds)
        finally:
            with self._changed:
                self._lent -= 1
                self._changed.notify_all()

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
HELD: list[Connections] = []
"""The pools that wait for a fork to be over."""


def before_fork() -> None:
    """Close every connection of this process."""
    for pool in list(POOLS):
        pool.hold()
        HELD.append(pool)


def after_fork_in_parent() -> None:
    """Let calls go on."""
    while HELD:
        HELD.pop().go_on()


def after_fork_in_child() -> None:
    """Begin without any connection, and with locks that nobody holds."""
    HELD.clear()
    for pool in list(POOLS):
        pool.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=before_fork, after_in_parent=after_fork_in_parent, after_in_child=after_fork_in_child)
