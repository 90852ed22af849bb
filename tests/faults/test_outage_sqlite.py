"""A SQLite file locked, read-only, full, damaged, cut, deleted or out of reach: what people get of it."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches import sqlite_connections, sqlite_files
from tests.faults.outage_kit import (
    NOTHING_SEEN,
    Case,
    Promise,
    as_ever,
    opened_cases,
    together,
    until_back,
    what_people_see,
)

OUT_OF_REACH = Promise(503, 503, 200)
EMPTIED = Promise(401, 401, 401)
GONE_AND_EMPTIED = Promise(503, 503, 401)
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
def read_only(cases: list[Case], patched: pytest.MonkeyPatch) -> Iterator[None]:
    """Let SQLite refuse every write, as on a file system that was mounted anew, read-only.

    Modes would not do: root ignores them.
    """
    set_up = sqlite_files.set_up

    def set_up_read_only(connection: sqlite3.Connection) -> bool:
        in_wal = set_up(connection)
        connection.execute("PRAGMA query_only = ON")
        return in_wal

    with patched.context() as within:
        within.setattr(sqlite_files, "set_up", set_up_read_only)
        close_all()
        yield
    close_all()


def close_all() -> None:
    """Let every cache of this process open its file anew."""
    for pool in list(sqlite_connections.POOLS):
        pool.close()


@contextlib.contextmanager
def disk_full() -> Iterator[None]:
    """Let no file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def overwrite(path: Path) -> None:
    """Write random bytes over the whole file and its log, in place."""
    for name in (path, Path(f"{path}-wal")):
        size = name.stat().st_size
        with name.open("r+b") as file:
            file.write(random.Random(1).randbytes(size))


def truncate(path: Path) -> None:
    """Cut the file and its log to nothing, in place."""
    os.truncate(path, 0)
    os.truncate(f"{path}-wal", 0)


@contextlib.contextmanager
def damaged(path: Path, damage: Callable[[Path], None]) -> Iterator[None]:
    """Damage the file. Who runs may not notice for a while: SQLite remembers pages."""
    damage(path)
    yield


@contextlib.contextmanager
def file_deleted(path: Path) -> Iterator[None]:
    """Remove the file, as a clean-up of old files does."""
    path.unlink()
    yield


@contextlib.contextmanager
def folder_deleted(folder: Path) -> Iterator[None]:
    """Remove the folder with everything; later somebody makes it anew."""
    shutil.rmtree(folder)
    yield
    folder.mkdir()


@contextlib.contextmanager
def local_folder_deleted(folder: Path) -> Iterator[None]:
    """Remove the folder with everything; nobody makes it anew but the app."""
    shutil.rmtree(folder)
    yield


@contextlib.contextmanager
def folder_away(folder: Path) -> Iterator[None]:
    """Take the folder away as a mount that is lost, and bring it back."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    yield
    aside.rename(folder)


def test_locked(cases: list[Case], path: Path) -> None:
    """Locked by another process: it can be read, so reference mode goes on while the token is valid (T-CX-14)."""
    assert what_people_see(cases, locked(path)) == as_ever(READABLE)


def test_read_only(cases: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    """Read-only: as locked (T-CX-14)."""
    assert what_people_see(cases, read_only(cases, monkeypatch)) == as_ever(READABLE)


def test_disk_full(cases: list[Case]) -> None:
    """Disk full: as locked (T-CX-14)."""
    assert what_people_see(cases, disk_full()) == as_ever(READABLE)


@pytest.mark.parametrize("damage", [overwrite, truncate])
def test_damaged_in_sealed_mode(damage: Callable[[Path], None], path: Path, tmp_path: Path) -> None:
    """Overwritten with random bytes, or cut to nothing: it begins empty, and nobody sees anything of it (T-CX-14)."""
    with opened_cases(f"sqlite:///{path}", tmp_path, modes=("sealed",)) as cases:
        assert set(what_people_see(cases, damaged(path, damage)).values()) == {NOTHING_SEEN}


@pytest.mark.parametrize("damage", [overwrite, truncate])
def test_damaged_in_reference_mode(damage: Callable[[Path], None], path: Path, tmp_path: Path) -> None:
    """The same: at worst people log in anew, and within ten seconds every process knows who did (T-CX-14)."""
    with opened_cases(f"sqlite:///{path}", tmp_path, modes=("reference",)) as cases:
        damage(path)
        cases[0].here.clock.advance(6)
        assert set(together(cases, lambda case: case.member.get("/").status).values()) <= {200, 401, 503}
        until_back(cases, is_served_everywhere)


def is_served_everywhere(case: Case) -> bool:
    """Log in where that is asked for; return whether both processes serve the session."""
    if case.member.get("/").status == 401:
        case.member.log_in()
    case.cookies = dict(case.member.jar.cookies)
    return {case.member.get("/").status, case.stranger().get("/").status} == {200}


def test_file_deleted(cases: list[Case], path: Path) -> None:
    """Deleted: it is made anew, empty (T-CX-14)."""
    assert what_people_see(cases, file_deleted(path)) == as_ever(EMPTIED)


def test_folder_deleted(cases: list[Case], path: Path) -> None:
    """Its folder deleted: reference mode waits until there is a folder again, and then asks for a login."""
    assert what_people_see(cases, folder_deleted(path.parent)) == as_ever(GONE_AND_EMPTIED)


def test_folder_away(cases: list[Case], path: Path) -> None:
    """Its folder out of reach for a while: reference mode waits, and goes on with all its sessions (T-CX-14)."""
    assert what_people_see(cases, folder_away(path.parent)) == as_ever(OUT_OF_REACH)


def test_local_folder_deleted(tmp_path: Path) -> None:
    """The folder of ``local://`` deleted: it is made anew at once, empty."""
    with opened_cases("local://", tmp_path) as cases:
        [folder] = {path.parent for path in tmp_path.rglob("*.sqlite")}
        assert what_people_see(cases, local_folder_deleted(folder)) == as_ever(EMPTIED)
