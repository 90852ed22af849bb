"""``sqlite:///path`` and ``local://``: a file that all processes of one machine share.

A process has two connections, each used by one thread at a time: calls take some 10 to 60 µs, and in WAL mode reading
waits for no writer. SQLite lets one process write at a time; a write runs inside ``BEGIN IMMEDIATE``, so that what it
has read can't change under it.

No connection outlives a fork: SQLite keeps a process's file locks in its memory, so a child of a process with an open
connection believes that it has locks that only its parent has, and loses what it writes
(sqlite.org/howtocorrupt.html, 2.6). Both are closed before a fork, and opened again by the next calls.

A damaged file is renamed and a new one made; a removed one is made again. The store is then empty.

Everything lives by the wall clock. Revocations that end while it is ahead by mistake are lost. Where it is set back,
the lock of a process that was killed lasts longer by as much.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, TypeVar

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.log import LOGGER
from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock

if sys.platform != "win32":
    import fcntl

R = TypeVar("R")
Work: TypeAlias = "Callable[[sqlite3.Connection], R]"

BUSY_SECONDS = 1.0
"""How long a call waits for others."""
PAUSE_SECONDS = 1.0
"""After such a wait was in vain: how long further calls of its kind fail at once instead of waiting too."""
SIDE_SUFFIXES = ("-wal", "-shm", "-journal")

# The result codes of SQLite that we look at (sqlite.org/rescode.html).
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ}
PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY_DBMOVED,
    sqlite3.SQLITE_ERROR,
    *DAMAGED,
}
"""Worth another try: the file is in use, or it is another one by now, or has lost our tables."""

# The file outlives an update, and while servers restart both releases use it: a release that needs other columns takes
# another name. A revocation is an entry without a value.
TABLE = """
CREATE TABLE IF NOT EXISTS fotoweb_store_entries (
    key TEXT NOT NULL PRIMARY KEY, value BLOB, version INTEGER NOT NULL, fence INTEGER NOT NULL,
    expires_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS fotoweb_store_entries_expires ON fotoweb_store_entries (expires_at);
"""
USED, LOCK, NEWEST_FENCE = "used ", "lock ", "newest fence"
"""What the keys of other rows begin with: what was used once, locks (with the owner as value), a counter."""
FIND = "SELECT value, version, fence FROM fotoweb_store_entries WHERE key = ? AND expires_at > ?"
FIND_KEYS = "SELECT key FROM fotoweb_store_entries WHERE key >= ? AND key < ? AND expires_at > ?"
WRITE = "REPLACE INTO fotoweb_store_entries VALUES (?, ?, ?, ?, ?)"
PURGE = """
DELETE FROM fotoweb_store_entries WHERE rowid IN
    (SELECT rowid FROM fotoweb_store_entries WHERE expires_at <= ? ORDER BY expires_at LIMIT 8)
"""  # More than a write adds, and few enough not to be noticed.


class _Access:
    """One connection to the file, and the lock of the thread that uses it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.connection: sqlite3.Connection | None = None
        self.file_id: tuple[int, int] | None = None
        self.paused_until = float("-inf")

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def __del__(self) -> None:
        self.close()  # Python 3.13 warns of a connection that nobody closed.


class SqliteStore:
    """A store in a SQLite file on a local disk; all processes that name the file share it.

    While others keep the file locked, a call fails after a second, and for a second after that calls fail at once;
    revocations are always tried.

    Args:
        clock: The wall clock, in epoch seconds.
        check_files: Called before a file is opened. Raises OSError where somebody else could have put it there.
    """

    shared = True
    _inherited: ClassVar[list[sqlite3.Connection | None]] = []  # Of the parent's; a child must not even close them.

    def __init__(
        self,
        path: Path | str,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        check_files: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = Path(os.path.realpath(path))  # SQLite names the side files after that.
        self._clock = clock
        self._monotonic = monotonic
        self._check_files = check_files
        self._access = {"reading": _Access(), "writing": _Access()}
        self._held_over_fork: list[_Access] = []
        forks.register(self)

    def before_fork(self) -> None:
        """Close both connections once their calls are over; a call that waits for others ends within a second."""
        for access in self._access.values():
            if access.lock.acquire(timeout=BUSY_SECONDS):
                access.close()
                self._held_over_fork.append(access)

    def after_fork_in_parent(self) -> None:
        """Let calls begin again."""
        while self._held_over_fork:
            self._held_over_fork.pop().lock.release()

    def after_fork_in_child(self) -> None:
        """Begin with new locks, and without connections: one that is still open is the parent's."""
        for access in self._access.values():
            self._inherited.append(access.connection)
            access.connection = None
            access.lock = threading.Lock()
        self._held_over_fork.clear()

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""
        found = self._run("reading", lambda file: file.execute(FIND, (key, self._clock())).fetchone())
        return StoredEntry(found[0], found[1]) if found is not None else None

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""

        def save(file: sqlite3.Connection) -> SaveOutcome:
            now, fence = self._clock(), lock.fence if lock is not None else 0
            there = file.execute(FIND, (key, now)).fetchone()
            if there is None and not create:
                return SaveOutcome.MISSING
            if there is not None:
                value_there, version_there, fence_there = there
                if value_there is None:
                    return SaveOutcome.REVOKED
                if version_there >= version or (lock is not None and fence_there > fence):
                    return SaveOutcome.NEWER
                fence = max(fence, fence_there)
            file.execute(WRITE, (key, value, version, fence, now + ttl_seconds))
            return SaveOutcome.SAVED

        return self._write(save)

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``. Tried also where the file was locked a moment ago."""
        self._write(
            lambda file: file.execute(WRITE, (key, None, 0, 0, self._clock() + ttl_seconds)), despite_pause=True
        )

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``. The fence follows the wall clock, so that it also rises over a lost file."""

        def acquire(file: sqlite3.Connection) -> StoreLock | None:
            now = self._clock()
            if file.execute(FIND, (LOCK + key, now)).fetchone() is not None:
                return None
            newest = file.execute(FIND, (NEWEST_FENCE, now)).fetchone()
            fence = max(newest[2] + 1 if newest is not None else 0, int(now * 1_000_000))
            file.execute(WRITE, (NEWEST_FENCE, None, 0, fence, math.inf))
            lock = StoreLock(key, secrets.token_hex(8), fence)
            file.execute(WRITE, (LOCK + key, lock.owner, 0, 0, now + ttl_seconds))
            return lock

        return self._write(acquire)

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""
        statement = "DELETE FROM fotoweb_store_entries WHERE key = ? AND value = ?"
        self._write(lambda file: file.execute(statement, (LOCK + lock.key, lock.owner)))

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""

        def use(file: sqlite3.Connection) -> bool:
            now = self._clock()
            if file.execute(FIND, (USED + key, now)).fetchone() is not None:
                return False
            file.execute(WRITE, (USED + key, None, 0, 0, now + ttl_seconds))
            return True

        return self._write(use)

    def keys(self, prefix: str) -> set[str]:
        """See ``Store.keys``."""
        bounds = prefix, prefix + chr(sys.maxunicode)
        found = self._run("reading", lambda file: file.execute(FIND_KEYS, (*bounds, self._clock())).fetchall())
        return {key for (key,) in found}

    def close(self) -> None:
        """See ``Store.close``."""
        for access in self._access.values():
            if access.lock.acquire(timeout=BUSY_SECONDS):
                access.close()
                access.lock.release()

    def _write(self, work: Work[R], *, despite_pause: bool = False) -> R:
        """Write all of it or nothing, and remove a few rows whose time is over."""

        def write(file: sqlite3.Connection) -> R:
            file.execute("BEGIN IMMEDIATE")
            result = work(file)
            file.execute(PURGE, (self._clock(),))
            file.execute("COMMIT")
            return result

        return self._run("writing", write, despite_pause=despite_pause)

    def _run(self, kind: Literal["reading", "writing"], work: Work[R], *, despite_pause: bool = False) -> R:
        """Do it, again and again for a second where that may help."""
        access, deadline = self._access[kind], time.monotonic() + BUSY_SECONDS
        if not access.lock.acquire(timeout=BUSY_SECONDS):
            raise StoreUnavailable(f"{self.path}: other threads of this process are still {kind}")
        try:
            if not despite_pause and self._monotonic() < access.paused_until:
                raise StoreUnavailable(f"{self.path} could not be used a moment ago")
            while True:
                try:
                    return work(self._connection(access))
                except (sqlite3.Error, OSError) as error:
                    code: int = getattr(error, "sqlite_errorcode", 0)
                    if {code, code & 0xFF} & DAMAGED:
                        self._put_aside(access)
                    access.close()
                    is_over = time.monotonic() >= deadline
                    is_passing = {code, code & 0xFF} & PASSING or isinstance(error, BlockingIOError)
                    if is_passing and not is_over:
                        time.sleep(random.uniform(0.001, 0.005))  # noqa: S311 (no secret)
                        continue
                    if is_over:
                        access.paused_until = self._monotonic() + PAUSE_SECONDS
                    cause = getattr(error, "strerror", None) or str(error)  # SQLite's words hold no value.
                    if code & 0xFF in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}:
                        cause += "; is the disk full?"
                    raise StoreUnavailable(f"{self.path}: {kind} failed: {cause}") from error
                except BaseException:
                    access.close()  # Which undoes what was not committed.
                    raise
        finally:
            access.lock.release()

    def _connection(self, access: _Access) -> sqlite3.Connection:
        """Return a connection to the file that has the name now; somebody may have removed or replaced it."""
        if access.connection is not None and access.file_id == _file_id(self.path):
            return access.connection
        access.close()
        self._check_files()
        with self._alone():
            if not self.path.exists():
                for suffix in SIDE_SUFFIXES:  # What is left of a lost file would be taken for parts of the new one.
                    Path(f"{self.path}{suffix}").unlink(missing_ok=True)
                # Nobody else may read it. SQLite gives the side files the same mode.
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            access.file_id = _file_id(self.path)
            file = access.connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            file.execute("PRAGMA trusted_schema = OFF")  # A planted file runs no functions.
            file.execute("PRAGMA journal_mode = WAL")  # Where the file system has no shared memory it stays as it is.
            file.execute("PRAGMA synchronous = NORMAL")  # Survives kill -9; a power cut may take the last commits.
            file.executescript(TABLE)
        return file

    def _put_aside(self, access: _Access) -> None:
        """Rename a damaged file, unless another process has done it already."""
        with contextlib.suppress(OSError), self._alone():
            if access.file_id == _file_id(self.path):
                self.path.replace(f"{self.path}.damaged")
                LOGGER.warning("The session store file %s was damaged. It is now %s.damaged.", self.path, self.path)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one, over all processes, who makes, opens or renames the file.

        Raises:
            BlockingIOError: Another one is.
        """
        if sys.platform == "win32":  # A file that is open can't be replaced there.
            yield
            return
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(folder)


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (half the time of Path.stat, at every call)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
