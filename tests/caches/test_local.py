"""``local://``: a file in a folder that is ours alone, and nothing that somebody else planted."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.local import find_local_path, open_local_cache
from fotoweb_middleware.caches.protocol import SaveOutcome
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock
from tests.caches.local_kit import IDENTITY, found
from tests.caches.sqlite_kit import locked_by_another


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return what stands for the machine's temporary directory; there is no runtime directory."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return folder


@pytest.fixture
def runtime(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return what stands for the user's runtime directory."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def ours(temporary: Path) -> Path:
    """Return the folder that is, or will be, ours."""
    return temporary / f"fotoweb-middleware-{os.geteuid()}"


@pytest.fixture
def cache(temporary: Path) -> Iterator[SqliteCache]:
    """Return an open local cache with one entry."""
    made = open_local_cache(IDENTITY, pause_seconds=0)
    assert made is not None
    made.save("k", b"v", version=1, ttl_seconds=60, create=True)
    yield made
    made.close()


# ---------------------------------------------------------------------------------------------------------------- where


def test_in_the_runtime_directory(runtime: Path) -> None:
    """The user's own runtime directory comes first."""
    assert found().parent == runtime / "fotoweb-middleware"


def test_in_the_temporary_directory(ours: Path) -> None:
    """Without a runtime directory the file lies in a folder of ours in the temporary one."""
    assert found().parent == ours


def test_runtime_directory_not_writable(runtime: Path, ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime directory that takes no folder is passed over."""
    (runtime / "fotoweb-middleware").write_text("in the way")
    assert found().parent == ours


@pytest.mark.parametrize("value", ["", "relative", "/does/not/exist"])
def test_runtime_directory_of_no_use(value: str, ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime directory that is no absolute path, or not there, is passed over."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert found().parent == ours


def test_same_identity_same_file(temporary: Path) -> None:
    """Processes of one configuration find one file; other configurations another."""
    assert (found() == found(), found() == found("other")) == (True, False)


def test_name_tells_nothing(temporary: Path) -> None:
    """What makes the configuration can't be read from the name."""
    assert not any(word in found().name for word in ("S3CR3T", "tenant", "client"))


def test_modes(cache: SqliteCache, ours: Path) -> None:
    """The folder and all files in it are out of reach of others."""
    modes = {stat.S_IMODE(file.stat().st_mode) for file in ours.iterdir()}
    assert (stat.S_IMODE(ours.stat().st_mode), modes) == (0o700, {0o600})


def test_modes_do_not_depend_on_umask(temporary: Path, ours: Path) -> None:
    """A process that hides or shares everything else makes the same folder."""
    before = os.umask(0o277)
    try:
        path = find_local_path(IDENTITY)
    finally:
        os.umask(before)
    assert (path is not None, stat.S_IMODE(ours.stat().st_mode)) == (True, 0o700)


def test_shared_by_processes(cache: SqliteCache, ours: Path) -> None:
    """Another process of the same user and configuration sees the entries."""
    code = (
        "import sys, tempfile; from fotoweb_middleware.caches.local import open_local_cache;"
        "tempfile.tempdir = sys.argv[1]; cache = open_local_cache(sys.argv[2]);"
        "assert cache.load('k').value == b'v'; cache.close()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    ended = subprocess.run([sys.executable, "-c", code, str(ours.parent), IDENTITY], check=False, env=environment)
    assert ended.returncode == 0


def test_options_of_a_cache(temporary: Path, clock: FakeClock) -> None:
    """Who has another cache beside this one may wait for it less, and then not at all for a while."""
    beside = open_local_cache(IDENTITY, busy_timeout_seconds=0.1, pause_seconds=30, monotonic=clock)
    assert beside is not None
    beside.load("k")
    spent: list[float] = []
    with locked_by_another(found()):
        # The best of a few counts: the machine may stand still for longer than all this takes.
        while len(spent) < 5 and min(spent, default=1) >= 1:
            clock.advance(31)
            started = time.monotonic()
            for _ in range(20):
                with pytest.raises(CacheUnavailable):
                    beside.take_lease("k", ttl_seconds=5)
            spent.append(time.monotonic() - started)
    beside.close()
    assert min(spent) < 1  # With the defaults: once 1 s; waiting each time: 2 s.


def test_not_on_windows(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no owners of files there is no local file."""
    monkeypatch.delattr(os, "geteuid")
    assert find_local_path(IDENTITY) is None


# --------------------------------------------------------------------------------------------------------- not writable


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_folder_can_not_be_made(number: int, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no folder can be made there is no local file."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert find_local_path(IDENTITY) is None


def test_file_can_not_be_made(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder takes no file there is no local cache."""
    found()
    open_file = os.open

    def refuse(path: str, flags: int, *more: int, **where: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return open_file(path, flags, *more, **where)

    monkeypatch.setattr(os, "open", refuse)
    assert open_local_cache(IDENTITY) is None


# ----------------------------------------------------------------------------------------------------- while it is open


def test_folder_removed(cache: SqliteCache, ours: Path) -> None:
    """A folder that a clean-up took away is made anew, with everything that is checked at the start."""
    for file in ours.iterdir():
        file.unlink()
    ours.rmdir()
    gone = cache.load("k")
    outcome = cache.save("k", b"w", version=1, ttl_seconds=60, create=True)
    assert (gone, outcome, stat.S_IMODE(ours.stat().st_mode)) == (None, SaveOutcome.SAVED, 0o700)
