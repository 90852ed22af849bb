"""What tests with SQLite stores share."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores import sqlite
from fotoweb_middleware.stores.base import SaveOutcome, Store
from tests.providers.forking import exit_code, fork_off

PATIENT_SECONDS = 20.0
"""How long a call may wait where no test is about that: a machine may stand still for more than the second that it
waits by default."""


def let_all_be_patient(patched: pytest.MonkeyPatch) -> None:
    """Let every SQLite store wait for others for so long."""
    patched.setattr(sqlite, "BUSY_SECONDS", PATIENT_SECONDS)


def let_none_wait(patched: pytest.MonkeyPatch) -> None:
    """Let no SQLite store wait for others: what it does after a wait in vain is the same."""
    patched.setattr(sqlite, "BUSY_SECONDS", 0)


def save(store: Store, key: str = "k", version: int = 1, *, size: int = 1, ttl_seconds: float = 600) -> SaveOutcome:
    """Save something, a "v" where no size is given."""
    return store.save(key, b"v" * size, version=version, ttl_seconds=ttl_seconds, create=True)


def fails(call: Callable[[], object]) -> str:
    """Return the words of the ``StoreUnavailable`` that a call raises."""
    with pytest.raises(StoreUnavailable) as raised:
        call()
    return str(raised.value)


def query(path: Path, statement: str) -> tuple[object, ...]:
    """Run a statement by a connection of its own, and return the first row it finds."""
    with contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
        return connection.execute(statement).fetchone() or ()


def rows(path: Path) -> int:
    """Count what stands in the table."""
    return int(str(query(path, "SELECT count(*) FROM fotoweb_store_entries")[0]))


@contextlib.contextmanager
def locked_by_another(path: Path) -> Iterator[None]:
    """Hold the file's write lock by a connection of its own."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def run_forked(work: Callable[[], object]) -> int:
    """Do ``work`` in a child and return how it ended."""
    return exit_code(fork_off(work))
