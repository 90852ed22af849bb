"""``sqlite:///path`` and ``local://``: a file that all processes of one machine share."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from fotoweb_middleware.caches import sqlite_schema as schema
from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite_connections import Connections
from fotoweb_middleware.caches.sqlite_files import FilesLocked, Identity, identify, put_aside
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["SqliteCache"]

R = TypeVar("R")

TRIES = 3
"""Two files may be lost or damaged in a row under one call; then it gives up."""

DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})


class FileChanged(Exception):
    """The file was removed, replaced or found damaged: what was read or written there is void."""


class SqliteCache:
    """A server cache in a SQLite file on a local disk; all processes that name the file share it.

    A damaged file is renamed and made anew, a removed one made anew: the cache is then empty.
    Entries live by the wall clock; leases by the machine's monotonic clock, which all its processes share.

    Args:
        path: The file. Its folder must be there, unless ``ready_folder`` makes it.
        busy_timeout_seconds: How long a call waits for others to finish writing; at most 1.
        pause_seconds: After such a wait was in vain, how long further calls of that kind (reading or writing) fail at
            once instead of waiting too. Tombstones are always tried.
        clock: The wall clock, in epoch seconds.
        monotonic: A clock that never jumps and is the same for all processes of the machine, in seconds.
        ready_folder: Called before a file is opened: makes the folder, or raises OSError.
    """

    shared = True

    def __init__(  # noqa: PLR0913 (two clocks, two times)
        self,
        path: Path | str,
        *,
        busy_timeout_seconds: float = 1.0,
        pause_seconds: float = 1.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        ready_folder: Callable[[], None] = lambda: None,
    ) -> None:
        # SQLite names the side files after the file that a link leads to.
        self._path = Path(os.path.realpath(path))
        self._busy_timeout_seconds = min(busy_timeout_seconds, 1.0)
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._connections = Connections(self._path, self._busy_timeout_seconds, ready_folder)
        self._paused_until = {"read": float("-inf"), "write": float("-inf")}
        weakref.finalize(self, self._connections.close)

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return self._run("read", lambda file: schema.load(file, key, self._clock()))

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        fence = lease.fence if lease is not None else None

        def save(file: sqlite3.Connection) -> SaveOutcome:
            now, stored = self._clock(), Stored(value, version)
            return schema.save(file, key, stored, now=now, ttl_seconds=ttl_seconds, create=create, fence=fence)

        return self._write(save)

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        self._write(lambda file: schema.bury(file, key, now=self._clock(), ttl_seconds=ttl_seconds), insist=True)

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        # Who waits for a lease asks often: a look first, which takes no lock from the one who works.
        if self._run("read", lambda file: self._is_leased(file, key)):
            return None
        owner = secrets.token_hex(8)

        def take(file: sqlite3.Connection) -> Lease | None:
            if self._is_leased(file, key):
                return None
            now, monotonic = self._clock(), self._monotonic()
            return schema.take_lease(file, key, owner, now=now, monotonic=monotonic, ttl_seconds=ttl_seconds)

        return self._write(take)

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        self._run("write", lambda file: schema.free_lease(file, lease))

    def close(self) -> None:
        """See ``Cache.close``."""
        self._connections.close()

    def _is_leased(self, file: sqlite3.Connection, key: str) -> bool:
        return schema.is_leased(file, key, self._monotonic())

    def _write(self, work: Callable[[sqlite3.Connection], R], *, insist: bool = False) -> R:
        def write(file: sqlite3.Connection) -> R:
            with schema.writing(file):
                result = work(file)
                schema.purge(file, now=self._clock(), monotonic=self._monotonic())
                return result

        return self._run("write", write, insist=insist)

    def _run(self, kind: str, work: Callable[[sqlite3.Connection], R], *, insist: bool = False) -> R:
        """Do one thing with the file, whatever state it is in.

        Raises:
            CacheUnavailable: It can't be done, or not in time.
        """
        with self._turn(kind):
            if not insist and self._monotonic() < self._paused_until[kind]:
                raise CacheUnavailable(f"{self._path} was locked a moment ago")
            return self._try_again(kind, work)

    @contextlib.contextmanager
    def _turn(self, kind: str) -> Iterator[None]:
        """Wait for the other writers of this process."""
        if kind == "read":
            yield
            return
        turn = self._connections.turn  # Another one after a fork.
        if not turn.acquire(timeout=self._busy_timeout_seconds):
            raise CacheUnavailable(f"others of this process are still writing to {self._path}")
        try:
            yield
        finally:
            turn.release()

    def _try_again(self, kind: str, work: Callable[[sqlite3.Connection], R]) -> R:
        for _ in range(TRIES):
            try:
                return self._try(work)
            except FileChanged:
                self._connections.close()
            except FilesLocked:
                self._pause(kind)
                raise CacheUnavailable(f"{self._path} is being opened by another process") from None
            except (sqlite3.Error, OSError) as error:
                if is_busy(error):
                    self._pause(kind)
                raise CacheUnavailable(f"{self._path}: {error}") from error
        raise CacheUnavailable(f"{self._path} changes all the time")

    def _pause(self, kind: str) -> None:
        self._paused_until[kind] = self._monotonic() + self._pause_seconds

    def _try(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Do it once.

        Raises:
            FileChanged: It has to be done again, on another file.
        """
        seen: Identity = identify(self._path, 1)
        try:
            with self._connections.lend() as opened:
                seen = opened.identity
                require_current(opened.is_current())
                result = work(opened.connection)
                # Another process may have put the file aside meanwhile: what was done to it doesn't count.
                require_current(opened.is_current())
                return result
        except sqlite3.Error as error:
            if is_damage(error):
                self._connections.close()
                put_aside(self._path, seen, self._busy_timeout_seconds)
                raise FileChanged from error
            if primary_code(error) == sqlite3.SQLITE_ERROR:  # Our tables are gone: opening makes them anew.
                raise FileChanged from error
            raise


def require_current(current: bool) -> None:  # noqa: FBT001 (its only meaning)
    """Go on only with the file that lies under the name.

    Raises:
        FileChanged: It is another one.
    """
    if not current:
        raise FileChanged


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether the file itself is broken, rather than locked, full or out of reach."""
    return (
        primary_code(error) in DAMAGE_CODES or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHORT_READ
    )


def is_busy(error: Exception) -> bool:
    """Return whether a lock was waited for in vain."""
    return primary_code(error) in BUSY_CODES


def primary_code(error: Exception) -> int:
    """Return SQLite's result code without its details (sqlite.org/rescode.html), or 0 where there is none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
