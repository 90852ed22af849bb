"""``sqlite:///path`` and ``local://``: a file that all processes of one machine share."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from fotoweb_middleware.caches import sqlite_schema as schema
from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.caches.reports import Reports
from fotoweb_middleware.caches.sqlite_connections import Connections
from fotoweb_middleware.caches.sqlite_errors import (
    FileChanged,
    FilesLocked,
    is_busy,
    is_damage,
    is_elsewhere,
    words_of,
)
from fotoweb_middleware.caches.sqlite_files import OpenFile, put_aside
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["SqliteCache"]

R = TypeVar("R")
Kind: TypeAlias = Literal["read", "write"]

TRIES = 3
"""Two files may be lost or damaged in a row under one call; then it gives up."""
IN_WORDS: dict[Kind, str] = {"read": "reading", "write": "writing"}


class SqliteCache:
    """A server cache in a SQLite file on a local disk; all processes that name the file share it.

    A damaged file is renamed and made anew, a removed one made anew: the cache is then empty.
    What can't be read or written is told to the log, once at the beginning and once at the end.
    Entries live by the wall clock; leases by the machine's monotonic clock, which all its processes share.

    Args:
        path: The file. Its folder must be there, unless ``ready_folder`` makes it.
        busy_timeout_seconds: How long a call waits for others, all its waits together; at most 1.
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
        self._reports = Reports(f"The cache file {self._path}", monotonic=monotonic)
        self._paused_until: dict[Kind, float] = {"read": float("-inf"), "write": float("-inf")}
        weakref.finalize(self, self._connections.close_if_free)

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        return self._read(lambda file: schema.load(file, key, self._clock()), self._deadline())

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        fence = lease.fence if lease is not None else None

        def save(file: sqlite3.Connection) -> SaveOutcome:
            now, stored = self._clock(), Stored(value, version)
            return schema.save(file, key, stored, now=now, ttl_seconds=ttl_seconds, create=create, fence=fence)

        return self._write(save, self._deadline())

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""

        def bury(file: sqlite3.Connection) -> None:
            schema.bury(file, key, now=self._clock(), ttl_seconds=ttl_seconds)

        self._write(bury, self._deadline(), insist=True)

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        deadline = self._deadline()
        # Who waits for a lease asks often: a look first, which takes no lock from the one who works.
        if self._read(lambda file: self._is_leased(file, key), deadline):
            return None
        owner = secrets.token_hex(8)

        def take(file: sqlite3.Connection) -> Lease | None:
            if self._is_leased(file, key):
                return None
            now, monotonic = self._clock(), self._monotonic()
            return schema.take_lease(file, key, owner, now=now, monotonic=monotonic, ttl_seconds=ttl_seconds)

        return self._write(take, deadline)

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        self._write(lambda file: schema.free_lease(file, lease), self._deadline())

    def close(self) -> None:
        """See ``Cache.close``."""
        self._connections.close()

    def _is_leased(self, file: sqlite3.Connection, key: str) -> bool:
        return schema.is_leased(file, key, self._monotonic())

    def _deadline(self) -> float:
        """Return when a call that begins now gives up, by the machine's own clock: SQLite waits by that too."""
        return time.monotonic() + self._busy_timeout_seconds

    def _read(self, work: Callable[[sqlite3.Connection], R], deadline: float) -> R:
        """Read something, whatever state the file is in.

        Raises:
            CacheUnavailable: It can't be done, or not in time.
        """
        self._fail_in_pause("read")
        return self._persist("read", work, deadline)

    def _write(self, work: Callable[[sqlite3.Connection], R], deadline: float, *, insist: bool = False) -> R:
        """Write something, and remove a few rows whose time is over.

        Raises:
            CacheUnavailable: It can't be done, or not in time.
        """

        def write(file: sqlite3.Connection) -> R:
            with schema.writing(file):
                result = work(file)
                schema.purge(file, now=self._clock(), monotonic=self._monotonic())
                return result

        turn = self._connections.turn  # Another one after a fork.
        if not turn.acquire(timeout=max(deadline - time.monotonic(), 0)):
            raise CacheUnavailable(f"others of this process are still writing to {self._path}")
        try:
            if not insist:
                self._fail_in_pause("write")
            return self._persist("write", write, deadline)
        finally:
            turn.release()

    def _fail_in_pause(self, kind: Kind) -> None:
        if self._monotonic() < self._paused_until[kind]:
            raise CacheUnavailable(f"{self._path} was locked a moment ago")

    def _persist(self, kind: Kind, work: Callable[[sqlite3.Connection], R], deadline: float) -> R:
        """Do it, on a new file where the one at hand is lost."""
        for _ in range(TRIES):
            try:
                result = self._try(kind, work, deadline)
            except FileChanged:
                self._connections.close()
            except FilesLocked:
                self._pause(kind)
                raise self._refused(kind, "another process is opening or closing it") from None
            except (sqlite3.Error, OSError) as error:
                if is_busy(error):
                    self._pause(kind)
                raise self._refused(kind, words_of(error)) from error
            else:
                self._reports.answered(IN_WORDS[kind])
                return result
        raise self._refused(kind, "it changes all the time")

    def _refused(self, kind: Kind, cause: str) -> CacheUnavailable:
        """Tell the log, and return what to raise. Calls that fail of a pause, or behind others, go past this."""
        self._reports.refused(IN_WORDS[kind], cause)
        return CacheUnavailable(f"{self._path}: {IN_WORDS[kind]} is refused: {cause}")

    def _pause(self, kind: Kind) -> None:
        self._paused_until[kind] = self._monotonic() + self._pause_seconds

    def _try(self, kind: Kind, work: Callable[[sqlite3.Connection], R], deadline: float) -> R:
        """Do it once.

        Raises:
            FileChanged: It has to be done again, on another file.
        """
        opened: OpenFile | None = None
        try:
            with self._connections.lend(deadline) as opened:
                require_current(opened)
                result = work(opened.connection)
                # Another process may have put the file aside meanwhile: what was written to it doesn't count.
                if kind == "write":
                    require_current(opened)
                return result
        except sqlite3.Error as error:
            if opened is not None and is_damage(error):
                self._connections.close()
                put_aside(self._path, opened.identity, deadline)
                raise FileChanged from error
            if is_elsewhere(error):  # Opening makes it, or our tables, anew.
                raise FileChanged from error
            raise


def require_current(opened: OpenFile) -> None:
    """Go on only with the file that lies under the name.

    Raises:
        FileChanged: It is another one.
    """
    if not opened.is_current():
        raise FileChanged
