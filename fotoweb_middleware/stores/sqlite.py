"""``sqlite:///path`` and ``local://``: a file that all processes of one machine share.

Two rules: one process writes at a time, inside ``BEGIN IMMEDIATE``, so that what a write has read can't change under
it; and no connection outlives a fork. SQLite keeps a process's locks in its memory, so a child of a process with an
open connection believes that it holds locks that only its parent has, and loses what it writes
(sqlite.org/howtocorrupt.html, 2.6): all connections are closed before a fork.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import secrets
import sqlite3
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock
from fotoweb_middleware.stores.reports import OutageLog

if sys.platform != "win32":
    import fcntl

__all__ = ["LOCK_SUFFIX", "SIDE_SUFFIXES", "SqliteStore"]

LOGGER = logging.getLogger("fotoweb_middleware")

Work: TypeAlias = "Callable[[sqlite3.Connection], R]"
Kind: TypeAlias = Literal["reading", "writing"]
FileId: TypeAlias = tuple[int, int] | None
R = TypeVar("R")

BUSY_SECONDS = 1.0
"""How long one call waits for others, all its waits together."""
PAUSE_SECONDS = 1.0
"""After such a wait was in vain: how long further calls of its kind fail at once instead of waiting too."""
MOST_CONNECTIONS = 8
"""Of one process. A call takes well under a millisecond, so more threads than this seldom meet here."""
TRIES = 3
"""A file may be lost or damaged under a call, which then continues on a new one."""
PURGED_PER_WRITE = 8
"""Rows of each table that one write may remove: more than it adds, few enough not to be noticed."""
GRACE_SECONDS = 86400.0
"""A wall clock that is set forward by mistake and back again takes no entry with it, unless it was wrong for longer."""
CLOCK_SLACK_SECONDS = 1.0
"""A lock that seems to be taken later than this in the future was taken before the machine was restarted."""

SIDE_SUFFIXES = ("-wal", "-shm", "-journal")
LOCK_SUFFIX = "-lock"
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ}
LOST = {sqlite3.SQLITE_READONLY_DBMOVED, sqlite3.SQLITE_ERROR}
"""The file has lost its name, or our tables."""

# The file outlives an update, and while servers restart both releases use it: a release that needs other columns takes
# other names. A revocation is an entry without a value. A damaged file may hold any type, hence the casts.
TABLES = {
    "fotoweb_store_entries": "key TEXT NOT NULL PRIMARY KEY, value BLOB, version INTEGER NOT NULL, "
    "fence INTEGER NOT NULL, expires_at REAL NOT NULL",
    "fotoweb_store_locks": "key TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, taken_at REAL NOT NULL, "
    "expires_at REAL NOT NULL",
    "fotoweb_store_used": "key TEXT NOT NULL PRIMARY KEY, expires_at REAL NOT NULL",
    "fotoweb_store_fence": "one INTEGER NOT NULL PRIMARY KEY, newest INTEGER NOT NULL",
}
PURGES = {
    table: f"DELETE FROM {table} WHERE rowid IN"  # noqa: S608 (names from above)
    f" (SELECT rowid FROM {table} WHERE expires_at <= ? ORDER BY expires_at LIMIT {PURGED_PER_WRITE})"
    for table, columns in TABLES.items()
    if "expires_at" in columns
}


class _FileChanged(OSError):
    """Another file, or none, lies under the name by now: the call has to be done again there."""


class _Connection(sqlite3.Connection):
    """A connection, used by one thread at a time.

    Attributes:
        file_id: The file that it was opened on.
    """

    file_id: FileId = None


class SqliteStore:
    """A store in a SQLite file on a local disk; all processes that name the file share it.

    A damaged file is renamed and a new one made, a removed one is made again: the store is then empty.
    Entries live by the wall clock; locks by the machine's monotonic clock, which all its processes share.
    While others keep the file locked, a call fails after a second, and for a second after that calls fail at once;
    revocations are always tried.

    Args:
        path: The file.
        clock: The wall clock, in epoch seconds.
        monotonic: A clock that never jumps and is the same for all processes of the machine, in seconds.
        check_files: Called before a file is opened. Raises OSError where somebody else could have put it there.

    Attributes:
        path: The file, links followed: SQLite names the side files after that.
    """

    shared = True

    def __init__(
        self,
        path: Path | str,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        check_files: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = Path(os.path.realpath(path))
        self._clock = clock
        self._monotonic = monotonic
        self._connections = _Connections(self.path, check_files)
        self._outages = OutageLog(f"The session store file {self.path}", monotonic=monotonic)
        self._paused_until: dict[Kind, float] = {"reading": float("-inf"), "writing": float("-inf")}
        forks.register(self)

    def after_fork_in_child(self) -> None:
        """See ``ForkAware``; the connections see to themselves."""
        self._outages.after_fork_in_child()

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""

        def load(file: sqlite3.Connection) -> StoredEntry | None:
            found = file.execute(
                "SELECT CAST(value AS BLOB), CAST(version AS INTEGER) FROM fotoweb_store_entries"
                " WHERE key = ? AND expires_at > ?",
                (key, self._clock()),
            ).fetchone()
            return StoredEntry(*found) if found is not None else None

        return self._run("reading", load, self._deadline())

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""

        def save(file: sqlite3.Connection) -> SaveOutcome:
            now, fence = self._clock(), lock.fence if lock is not None else 0
            there = file.execute(
                "SELECT value IS NULL, CAST(version AS INTEGER), CAST(fence AS INTEGER) FROM fotoweb_store_entries"
                " WHERE key = ? AND expires_at > ?",
                (key, now),
            ).fetchone()
            if there is None and not create:
                return SaveOutcome.MISSING
            if there is not None:
                is_revoked, version_there, fence_there = there
                if is_revoked:
                    return SaveOutcome.REVOKED
                if version_there >= version or (lock is not None and fence_there > fence):
                    return SaveOutcome.NEWER
                fence = max(fence, fence_there)
            row = (key, value, version, fence, now + ttl_seconds)
            file.execute("REPLACE INTO fotoweb_store_entries VALUES (?, ?, ?, ?, ?)", row)
            return SaveOutcome.SAVED

        return self._write(save, self._deadline())

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``. A revocation that lives longer is left as it is."""

        def revoke(file: sqlite3.Connection) -> None:
            there = file.execute(
                "SELECT CAST(expires_at AS REAL) FROM fotoweb_store_entries WHERE key = ? AND value IS NULL", (key,)
            ).fetchone()
            expires_at = max(self._clock() + ttl_seconds, *(there or ()), 0.0)
            file.execute("REPLACE INTO fotoweb_store_entries VALUES (?, NULL, 0, 0, ?)", (key, expires_at))

        self._write(revoke, self._deadline(), despite_pause=True)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``. The fence follows the wall clock, so that it also rises over a lost file."""
        deadline = self._deadline()
        # Who waits for a lock asks often: a look first, which keeps nobody from writing.
        if self._run("reading", lambda file: self._is_locked(file, key), deadline):
            return None

        def acquire(file: sqlite3.Connection) -> StoreLock | None:
            if self._is_locked(file, key):
                return None
            now = self._monotonic()
            at_least = int(self._clock() * 1_000_000)
            file.execute("UPDATE fotoweb_store_fence SET newest = max(newest + 1, ?)", (at_least,))
            fence = file.execute("SELECT newest FROM fotoweb_store_fence").fetchone()[0]
            lock = StoreLock(key, secrets.token_hex(8), fence)
            row = (key, lock.owner, now, now + ttl_seconds)
            file.execute("REPLACE INTO fotoweb_store_locks VALUES (?, ?, ?, ?)", row)
            return lock

        return self._write(acquire, deadline)

    def _is_locked(self, file: sqlite3.Connection, key: str) -> bool:
        now = self._monotonic()  # Read inside the transaction, or a lock just taken would seem to lie in the future.
        query = "SELECT 1 FROM fotoweb_store_locks WHERE key = ? AND taken_at <= ? AND expires_at > ?"
        return file.execute(query, (key, now + CLOCK_SLACK_SECONDS, now)).fetchone() is not None

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""

        def release(file: sqlite3.Connection) -> None:
            file.execute("DELETE FROM fotoweb_store_locks WHERE key = ? AND owner = ?", (lock.key, lock.owner))

        self._write(release, self._deadline())

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""

        def use(file: sqlite3.Connection) -> bool:
            now = self._clock()
            query = "SELECT 1 FROM fotoweb_store_used WHERE key = ? AND expires_at > ?"
            if file.execute(query, (key, now)).fetchone() is not None:
                return False
            file.execute("REPLACE INTO fotoweb_store_used VALUES (?, ?)", (key, now + ttl_seconds))
            return True

        return self._write(use, self._deadline())

    def close(self) -> None:
        """See ``Store.close``."""
        self._connections.close()

    def _deadline(self) -> float:
        """Return when a call that begins now gives up, by the machine's own clock: SQLite waits by that too."""
        return time.monotonic() + BUSY_SECONDS

    def _write(self, work: Work[R], deadline: float, *, despite_pause: bool = False) -> R:
        """Write all of it or nothing, and remove a few rows whose time is over."""

        def write(file: sqlite3.Connection) -> R:
            file.execute("BEGIN IMMEDIATE")
            try:
                result = work(file)
                now = {"fotoweb_store_locks": self._monotonic(), "fotoweb_store_entries": self._clock() - GRACE_SECONDS}
                for table, purge in PURGES.items():
                    file.execute(purge, (now.get(table, self._clock()),))
                file.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    file.execute("ROLLBACK")
                raise
            return result

        # SQLite lets one thread write and the others poll, so those of one process queue here instead.
        writing = self._connections.writing
        if not writing.acquire(timeout=_left(deadline)):
            raise StoreUnavailable(f"others of this process are still writing to {self.path}")
        try:
            return self._run("writing", write, deadline, despite_pause=despite_pause)
        finally:
            writing.release()

    def _run(self, kind: Kind, work: Work[R], deadline: float, *, despite_pause: bool = False) -> R:
        """Do it, and again where the file was lost or damaged under it."""
        if not despite_pause and self._monotonic() < self._paused_until[kind]:
            raise StoreUnavailable(f"{self.path} was locked a moment ago")
        for tries_left in reversed(range(TRIES)):
            try:
                with self._connections.borrow(deadline) as file:
                    result = work(file)
                    if kind == "writing" and _file_id(self.path) != file.file_id:
                        raise _FileChanged("the file was removed or replaced")  # What went into the old one is lost.
            except (sqlite3.Error, OSError) as error:
                if tries_left and (isinstance(error, _FileChanged) or _is(error, DAMAGED | LOST)):
                    continue
                if _is_busy(error):
                    self._paused_until[kind] = self._monotonic() + PAUSE_SECONDS
                cause = getattr(error, "strerror", None) or str(error)  # SQLite's words hold no value.
                self._outages.failed(kind, cause)
                raise StoreUnavailable(f"{self.path}: {kind} failed: {cause}") from error
            self._outages.worked(kind)
            return result
        raise AssertionError  # The last try ends in one of the above.


class _Connections:
    """The connections of one process to one file: opened as they are needed, and kept for the next calls.

    Attributes:
        writing: Held by the thread that writes.
    """

    def __init__(self, path: Path, check_files: Callable[[], None]) -> None:
        self._path = path
        self._check_files = check_files
        self._idle: deque[_Connection] = deque()
        self.after_fork_in_child()
        weakref.finalize(self, _close_all, self._idle)
        forks.register(self)

    def before_fork(self) -> None:
        """See ``HeldOverForks``: no call is under way then, and no connection open."""
        self._may_begin.clear()  # Else threads that call all the time would keep the last permits to themselves.
        deadline = time.monotonic() + BUSY_SECONDS
        while self._held < MOST_CONNECTIONS and self._permits.acquire(timeout=_left(deadline)):
            self._held += 1
        self.close()

    def after_fork_in_parent(self) -> None:
        """See ``HeldOverForks``."""
        while self._held:
            self._held -= 1
            self._permits.release()
        self._may_begin.set()

    def after_fork_in_child(self) -> None:
        """See ``ForkAware``. What is still open is the parent's: neither used nor closed here."""
        _INHERITED.extend(self._idle)
        self._idle.clear()
        self._pid = os.getpid()
        self._permits = threading.Semaphore(MOST_CONNECTIONS)
        self._held = 0
        self._may_begin = threading.Event()
        self._may_begin.set()
        self.writing = threading.Lock()

    def close(self) -> None:
        """Close all connections that are not in use."""
        _close_all(self._idle)

    @contextlib.contextmanager
    def borrow(self, deadline: float) -> Iterator[_Connection]:
        """Lend a connection to the calling thread; wait for one until ``deadline`` (``time.monotonic``).

        Raises:
            StoreUnavailable: All connections were in use for too long.
            OSError, sqlite3.Error: The file can't be opened. A damaged one is put aside: the next try may work.
        """
        if self._pid != os.getpid():
            self.after_fork_in_child()  # A server in C forked past Python's hooks.
        permits, file = self._permits, None
        if not (self._may_begin.wait(_left(deadline)) and permits.acquire(timeout=_left(deadline))):
            raise StoreUnavailable(f"all connections to {self._path} are in use")
        try:
            file = self._take() or self._open(deadline)
            file.execute(f"PRAGMA busy_timeout = {round(_left(deadline) * 1000)}")
            yield file
            self._idle.append(file)
        except BaseException as error:
            if file is not None and _is_busy(error):
                self._idle.append(file)  # It is as good as before.
            elif file is not None:
                file.close()
                self.close()  # The others very likely have the same fault.
                if _is(error, DAMAGED):
                    with _opening(self._path, deadline):
                        _put_aside(self._path, file.file_id)
            raise
        finally:
            permits.release()

    def _take(self) -> _Connection | None:
        """Return an open connection to the file that has the name now."""
        file_id = _file_id(self._path)
        with contextlib.suppress(IndexError):
            while True:
                file = self._idle.pop()
                if file.file_id == file_id:
                    return file
                file.close()
        return None

    def _open(self, deadline: float) -> _Connection:
        self._check_files()
        with _opening(self._path, deadline):
            if not self._path.exists():
                _make_file(self._path)
            file_id = _file_id(self._path)
            try:
                return _connect(self._path, file_id, deadline)
            except sqlite3.Error as error:
                if _is(error, DAMAGED):
                    _put_aside(self._path, file_id)
                raise


_INHERITED: list[_Connection] = []
"""Connections of the parent's, which a child must not even close."""


def _close_all(idle: deque[_Connection]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            idle.pop().close()


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.0)


def _is(error: BaseException, codes: set[int]) -> bool:
    """Return whether SQLite's result code is one of these, with or without its details (sqlite.org/rescode.html)."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return not codes.isdisjoint({code, code & 0xFF})


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) or _is(error, BUSY)


def _file_id(path: Path) -> FileId:
    try:
        status = os.stat(path)  # noqa: PTH116 (half the time of Path.stat, at every call)
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def _opening(path: Path, deadline: float) -> Iterator[None]:
    """Be the only one, over all processes, who makes, opens or replaces the file.

    Else the parts of an old and a new file would be mixed, which SQLite finds by their names.
    """
    if sys.platform == "win32":  # A file that is open can't be replaced there.
        yield
        return
    lock = os.open(f"{path}{LOCK_SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | NOFOLLOW, 0o600)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not _left(deadline):
                    raise TimeoutError("another process is opening it") from None
                time.sleep(random.uniform(0.001, 0.005))  # noqa: S311 (no secret)
        yield
    finally:
        os.close(lock)


def _make_file(path: Path) -> None:
    """Make an empty file that only its owner can read; SQLite gives its side files the same mode."""
    for suffix in SIDE_SUFFIXES:  # What is left of a lost file would be taken for parts of the new one.
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | NOFOLLOW, 0o600)
    try:
        os.chmod(path, 0o600)  # noqa: PTH101 (whatever the umask)
    finally:
        os.close(made)


def _put_aside(path: Path, damaged: FileId) -> None:
    """Rename a damaged file, unless another process has done it already."""
    if damaged is None or _file_id(path) != damaged:
        return
    path.replace(f"{path}.damaged")
    for suffix in SIDE_SUFFIXES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    LOGGER.warning("The session store file %s was damaged. It is now %s.damaged; the store begins empty.", path, path)


def _connect(path: Path, file_id: FileId, deadline: float) -> _Connection:
    connection = sqlite3.connect(
        path, timeout=_left(deadline), isolation_level=None, check_same_thread=False, factory=_Connection
    )
    connection.file_id = file_id
    try:
        connection.execute("PRAGMA trusted_schema = OFF")  # A planted file runs no functions.
        connection.execute("PRAGMA cell_size_check = ON")  # Finds more damage.
        connection.execute("PRAGMA journal_mode = WAL")  # Where the file system has no shared memory it stays as it is.
        connection.execute("PRAGMA synchronous = NORMAL")  # Survives kill -9; a power cut may take the last commits.
        connection.execute(f"PRAGMA journal_size_limit = {16 * 1024 * 1024}")
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not there.issuperset(TABLES):
            connection.execute("BEGIN IMMEDIATE")
            for table, columns in TABLES.items():
                connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
                if table in PURGES:
                    connection.execute(f"CREATE INDEX IF NOT EXISTS {table}_expires ON {table} (expires_at)")
            connection.execute("INSERT OR IGNORE INTO fotoweb_store_fence VALUES (1, 0)")
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection
