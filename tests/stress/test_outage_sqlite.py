"""A SQLite file that is locked, or on a full disk: what people get of it."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stress.outage_kit import Case, Promise, as_ever, opened_cases, what_people_see

READABLE = Promise(200, 503, 200)

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file lies, in a folder of its own."""
    path = tmp_path / "cache" / "sessions.db"
    path.parent.mkdir()
    return path


@pytest.fixture
def cases(path: Path, tmp_path: Path) -> Iterator[list[Case]]:
    """Return the cases on that file."""
    with opened_cases(f"sqlite:///{path}", tmp_path) as opened:
        yield opened


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's only write lock in another process."""
    command = [sys.executable, "-I", "-S", "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.communicate()


@contextlib.contextmanager
def disk_full() -> Iterator[None]:
    """Let no file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_locked(cases: list[Case], path: Path) -> None:
    """Locked by another process: it can be read, so reference mode goes on while the token is valid (T-CX-14)."""
    assert what_people_see(cases, locked(path)) == as_ever(READABLE)


def test_disk_full(cases: list[Case]) -> None:
    """Disk full: as locked (T-CX-14)."""
    assert what_people_see(cases, disk_full()) == as_ever(READABLE)
