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
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from fotoweb_middleware.caches.sqlite_schema import create_tables

if sys.platform != "win32":
    import fcntl

__all__ = ["LOCK_SUFFIX", "SIDE_SUFFIXES", "FilesLocked", "OpenFile", "close_file", "open_file", "put_aside"]

LOGGER = logging.getLogger("fotoweb_middleware.caches")

LOCK_SUFFIX = "-lock"
SIDE_SUFFIXES = ("-wal", "-shm", "-journal")
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
LOCK_POLL_SECONDS = 0.005

Identity: TypeAlias = tuple[tuple[int, int] | None, ...]
"""Device and inode of the database file, and in WAL mode of its two side files."""


class FilesLocked(Exception):
    """Another process has been opening or closing the files for too long."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A connection, and the files that it was opened on.

    Attributes:
        connection: Used by one thread at a time, in the process that opened it.
        path: The database file.
        identity: Which files lay under the names when it was opened.
    """

    connection: sqlite3.Connection
    path: Path
    identity: Identity

    def is_current(self) -> bool:
        """Return whether the same files still lie under the same names: others may have removed or replaced them.

        While a connection is open SQLite itself never removes or replaces any of them.
        """
        return identify(self.path, len(self.identity)) == self.identity


def identify(path: Path, count: int) -> Identity:
    """Return which files lie under the first ``count`` names."""
    identity: list[tuple[int, int] | None] = []
    for suffix in ("", "-wal", "-shm")[:count]:
        try:
            status = os.stat(f"{path}{suffix}")  # noqa: PTH116 (half the time of Path.stat, at every call)
        except OSError:
            identity.append(None)
        else:
            identity.append((status.st_dev, status.st_ino))
    return tuple(identity)


@contextlib.contextmanager
def locked(path: Path, wait_seconds: float) -> Iterator[None]:
    """Be the only one, over all processes, who makes, opens, closes or replaces the files.

    Raises:
        FilesLocked: Others took longer than ``wait_seconds``.
        OSError: The folder is gone or can't be written to.
    """
    if sys.platform == "win32":  # A file that is open can't be replaced there, so there is nothing to keep apart.
        yield
        return
    deadline = time.monotonic() + wait_seconds
    lock = os.open(f"{path}{LOCK_SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | NOFOLLOW, 0o600)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise FilesLocked from None
                time.sleep(LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(lock)


def open_file(path: Path, busy_timeout_seconds: float) -> OpenFile:
    """Open the database, and make it where it is missing.

    Raises:
        FilesLocked: Others were at it for too long.
        OSError: The folder is gone or can't be written to.
        sqlite3.Error: The file is damaged, locked, or can't be written to.
    """
    with locked(path, busy_timeout_seconds):
        if not path.exists():
            make_file(path)
        connection = sqlite3.connect(
            path, timeout=busy_timeout_seconds, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            in_wal = set_up(connection)
        except BaseException:
            connection.close()
            raise
        return OpenFile(connection, path, identify(path, 3 if in_wal else 1))


def make_file(path: Path) -> None:
    """Make an empty file that only its owner can read. Its side files get the same mode from SQLite."""
    remove_side_files(path)  # What is left of a lost file would be taken for parts of the new one.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | NOFOLLOW, 0o600))


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
    create_tables(connection)
    return bool(mode == "wal")


def close_file(opened: OpenFile, wait_seconds: float) -> None:
    """Close a connection. The last one of all processes also removes the side files: hence the lock."""
    try:
        with contextlib.suppress(FilesLocked, OSError), locked(opened.path, wait_seconds):
            opened.connection.close()
    finally:
        opened.connection.close()  # Does nothing where it is closed.


def put_aside(path: Path, damaged: Identity, wait_seconds: float) -> None:
    """Rename a damaged file, so that the next one to open the cache makes a new one.

    Who has it open keeps it, without its name, and SQLite then lets the side files under the old names be.

    Args:
        path: The database file.
        damaged: Which one it was: another process may have put it aside already.
        wait_seconds: How long to wait for others who open or close.

    Raises:
        FilesLocked: They took longer.
        OSError: It can't be renamed.
    """
    with locked(path, wait_seconds):
        if identify(path, 1) != damaged[:1] or damaged[0] is None:
            return
        aside = Path(f"{path}.damaged")
        path.replace(aside)
        remove_side_files(path)
    LOGGER.warning("The cache file %s was damaged. It is now %s, and the cache begins empty.", path, aside)
