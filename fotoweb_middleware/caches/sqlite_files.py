"""The files of a SQLite cache: made, recognised again, put aside when damaged.

SQLite keeps ``-wal`` and ``-shm`` files beside the database and finds them by name. If one process made the files anew
while another one opened or closed them, their parts would get mixed. So each of these is done under one lock between
processes (``flock`` on a file of its own), and never by opening the database file: closing such a descriptor would
drop every lock that SQLite holds on it in this process (sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from fotoweb_middleware.caches.sqlite_errors import FileChanged, FilesLocked, is_damage
from fotoweb_middleware.caches.sqlite_schema import create_tables

if sys.platform != "win32":
    import fcntl

__all__ = ["LOCK_SUFFIX", "SIDE_SUFFIXES", "OpenFile", "close_files", "limit_wait", "open_file", "put_aside"]

LOGGER = logging.getLogger("fotoweb_middleware.caches")

LOCK_SUFFIX = "-lock"
SIDE_SUFFIXES = ("-wal", "-shm", "-journal")
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
LOCK_POLL_SECONDS = (0.001, 0.005)
"""Between these, by chance, or many processes that start together would poll in step."""

Identity: TypeAlias = tuple[tuple[int, int] | None, ...]
"""Device and inode of the database file, and in WAL mode of its two side files."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A connection, and the files that it was opened on.

    Attributes:
        connection: Used by one thread at a time, in the process that opened it.
        path: The database file.
        names: Of the files: that one, and in WAL mode its two side files.
        identity: Which files lay under the names when it was opened.
    """

    connection: sqlite3.Connection
    path: Path
    names: tuple[str, ...]
    identity: Identity

    def is_current(self) -> bool:
        """Return whether the same files still lie under the same names: others may have removed or replaced them.

        While a connection is open SQLite itself never removes or replaces any of them.
        """
        return identify(self.names) == self.identity


def identify(names: Iterable[str]) -> Identity:
    """Return which files lie under the names."""
    identity: list[tuple[int, int] | None] = []
    for name in names:
        try:
            status = os.stat(name)  # noqa: PTH116 (half the time of Path.stat, at every call)
        except OSError:
            identity.append(None)
        else:
            identity.append((status.st_dev, status.st_ino))
    return tuple(identity)


@contextlib.contextmanager
def locked(path: Path, deadline: float, *, make: int = os.O_CREAT) -> Iterator[None]:
    """Be the only one, over all processes, who makes, opens, closes or replaces the files.

    Args:
        path: The database file.
        deadline: When to give up waiting, by ``time.monotonic``.
        make: 0: make no lock file where there is none.

    Raises:
        FilesLocked: Others took longer.
        OSError: The folder is gone or can't be written to.
    """
    if sys.platform == "win32":  # A file that is open can't be replaced there, so there is nothing to keep apart.
        yield
        return
    name = f"{path}{LOCK_SUFFIX}"
    while True:
        lock = os.open(name, os.O_RDWR | make | os.O_CLOEXEC | NOFOLLOW, 0o600)
        try:
            wait_for_lock(lock, deadline)
            # Who cleans temporary directories removes this file, which never changes: the next one has another.
            if not is_under(name, lock):
                continue
            yield
            return
        finally:
            os.close(lock)


def wait_for_lock(lock: int, deadline: float) -> None:
    """Lock an open file, or raise ``FilesLocked``. Nobody holds it for long, and no system call waits just so long."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise FilesLocked from None
            time.sleep(random.uniform(*LOCK_POLL_SECONDS))  # noqa: S311 (no secret)
        else:
            return


def is_under(name: str, descriptor: int) -> bool:
    """Return whether an open file still has its name."""
    try:
        return os.path.samestat(os.stat(name), os.fstat(descriptor))  # noqa: PTH116 (as above)
    except FileNotFoundError:
        return False


def open_file(path: Path, deadline: float) -> OpenFile:
    """Open the database, and make it where it is missing. A damaged one is put aside.

    Raises:
        FilesLocked: Others were at it for too long.
        FileChanged: It was damaged; the next try makes a new one.
        OSError: The folder is gone or can't be written to.
        sqlite3.Error: The file is locked, or can't be written to.
    """
    with locked(path, deadline):
        if not path.exists():
            make_file(path)
        found = identify([str(path)])
        if was_cut(path):
            put_aside_locked(path, found)
            raise FileChanged
        try:
            return connect(path, max(deadline - time.monotonic(), 0))
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            put_aside_locked(path, found)
            raise FileChanged from error


def was_cut(path: Path) -> bool:
    """Return whether a file that connections are open on was cut to nothing, as its only holder of ``locked``.

    Who has it open may not notice for long, since SQLite remembers pages, and keeps everybody else from setting it up
    anew. A file that is only empty has no side file: whoever made it had no time to set it up, or left that to us.
    """
    return path.stat().st_size == 0 and any(Path(f"{path}{suffix}").exists() for suffix in SIDE_SUFFIXES)


def connect(path: Path, wait_seconds: float) -> OpenFile:
    """Open a connection to a file that is there."""
    connection = sqlite3.connect(
        path, timeout=wait_seconds, isolation_level=None, check_same_thread=False, cached_statements=32
    )
    try:
        in_wal = set_up(connection)
    except BaseException:
        connection.close()
        raise
    names = tuple(f"{path}{suffix}" for suffix in (("", "-wal", "-shm") if in_wal else ("",)))
    return OpenFile(connection, path, names, identify(names))


def limit_wait(connection: sqlite3.Connection, seconds: float) -> None:
    """Set how long a connection waits for locks."""
    connection.execute(f"PRAGMA busy_timeout = {max(round(seconds * 1000), 0)}")


def make_file(path: Path) -> None:
    """Make an empty file that only its owner can read. Its side files get the same mode from SQLite."""
    remove_side_files(path)  # What is left of a lost file would be taken for parts of the new one.
    made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | NOFOLLOW, 0o600)
    try:
        os.chmod(path, 0o600)  # noqa: PTH101 (whatever the umask)
    finally:
        os.close(made)


def remove_side_files(path: Path) -> None:
    """Remove what belonged to a database file that is gone. Who still has it open keeps it, without the name."""
    for suffix in SIDE_SUFFIXES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def set_up(connection: sqlite3.Connection) -> bool:
    """Set a new connection up, and return whether it uses WAL, which needs a file system with shared memory."""
    connection.execute("PRAGMA trusted_schema = OFF")  # A planted file runs no functions.
    connection.execute("PRAGMA cell_size_check = ON")  # Finds more damage.
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("PRAGMA synchronous = NORMAL")  # Survives kill -9; a power cut may take the last commits.
    connection.execute(f"PRAGMA journal_size_limit = {16 * 1024 * 1024}")
    connection.execute("PRAGMA cache_size = -256")  # KiB: the system keeps the file's pages, once for all processes.
    create_tables(connection)
    return bool(mode == "wal")


def close_files(opened: Sequence[OpenFile], deadline: float) -> None:
    """Close connections to one cache. The last one of all processes also removes the side files: hence the lock."""
    if not opened:
        return
    with contextlib.ExitStack() as stack:
        # The folder may be another one by now, which nobody has checked: nothing is made there.
        with contextlib.suppress(FilesLocked, OSError):
            stack.enter_context(locked(opened[0].path, deadline, make=0))
        for each in opened:
            each.connection.close()


def put_aside(path: Path, damaged: Identity, deadline: float) -> None:
    """Rename a damaged file, so that the next one to open the cache makes a new one.

    Who has it open keeps it, without its name, and SQLite then lets the side files under the old names be.

    Args:
        path: The database file.
        damaged: Which one it was: another process may have put it aside already.
        deadline: How long to wait for others who open or close.

    Raises:
        FilesLocked: They took longer.
        OSError: It can't be renamed.
    """
    with locked(path, deadline):
        put_aside_locked(path, damaged)


def put_aside_locked(path: Path, damaged: Identity) -> None:
    """Rename a damaged file, as its only holder of ``locked``."""
    if identify([str(path)]) != damaged[:1] or damaged[0] is None:
        return
    aside = Path(f"{path}.damaged")
    path.replace(aside)
    remove_side_files(path)
    LOGGER.warning("The cache file %s was damaged. It is now %s, and the cache begins empty.", path, aside)
