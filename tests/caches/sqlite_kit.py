"""What the tests of the SQLite cache share."""

from __future__ import annotations

import contextlib
import multiprocessing
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path

import pytest

from fotoweb_middleware.caches.offloaded import OffloadedFace
from fotoweb_middleware.caches.protocol import SaveOutcome
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable

SPAWN = multiprocessing.get_context("spawn")

RECOVERY_SECONDS = 10.0
"""What the contract grants."""

PATIENT_SECONDS = 20.0
"""What a call may wait where no test is about that: threads that wait for each other on a machine that stands still for
more than the second that is the most by default are not answered."""

AT_ONCE_SECONDS = 0.1
"""Longer than any call that waits for nothing, also on a busy machine; shorter than the time-outs it is told from."""


def save(cache: SqliteCache, key: str = "k", version: int = 1, size: int = 1, ttl_seconds: float = 600) -> SaveOutcome:
    """Save something, a "v" where no size is given."""
    return cache.save(key, b"v" * size, version=version, ttl_seconds=ttl_seconds, create=True)


def patient(cache: SqliteCache) -> SqliteCache:
    """Let a cache that nobody has used wait for others for as long as that."""
    cache._busy_timeout_seconds = cache._connections._busy_timeout_seconds = PATIENT_SECONDS
    return cache


def let_all_be_patient(patched: pytest.MonkeyPatch) -> None:
    """Let every cache in a file wait for so long, by both faces: threads of one process wait for one another."""
    patched.setattr(SqliteCache, "_deadline", lambda _cache: time.monotonic() + PATIENT_SECONDS)
    longer = partialmethod(OffloadedFace.__init__, patience_seconds=PATIENT_SECONDS)
    patched.setattr(OffloadedFace, "__init__", longer)


def insist(call: Callable[..., object], *args: object, **more: object) -> None:
    """Call until the cache answers."""
    while True:
        try:
            call(*args, **more)
        except CacheUnavailable:
            time.sleep(0.02)
        else:
            return


def wait_for(call: Callable[[], bool]) -> bool:
    """Try until it works, at most as long as the contract grants."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        try:
            if call():
                return True
        except CacheUnavailable:
            pass
        time.sleep(0.02)
    return False


def query(path: Path, statement: str) -> tuple[object, ...]:
    """Run a statement by a connection of its own, and return the first row it finds."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        return connection.execute(statement).fetchone() or ()
    finally:
        connection.close()


def rows(path: Path, table: str = "fotoweb_entries") -> int:
    """Count what stands in a table."""
    return int(str(query(path, f"SELECT count(*) FROM {table}")[0]))  # noqa: S608 (names of ours)


def is_whole(path: Path) -> bool:
    """Return whether SQLite finds nothing wrong with the file."""
    return query(path, "PRAGMA integrity_check") == ("ok",)


@contextlib.contextmanager
def locked_by_another(path: Path) -> Iterator[None]:
    """Hold the file's write lock by a connection of its own."""
    other = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        other.close()


def open_files() -> Iterator[str]:
    """Return the names of the files that this process has open."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # That of the listing itself.
            yield str(descriptor.readlink())
