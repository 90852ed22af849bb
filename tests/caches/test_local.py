"""``local://``: a file in a folder that is ours alone, and nothing that somebody else planted."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.local import find_local_path, open_local_cache
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable

IDENTITY = "https://tenant.example client S3CR3T"
SOMEBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")


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


def found(identity: str = IDENTITY) -> Path:
    """Return the path, which must be there."""
    path = find_local_path(identity)
    assert path is not None
    return path


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


def test_not_on_windows(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no owners of files there is no local file."""
    monkeypatch.delattr(os, "geteuid")
    assert find_local_path(IDENTITY) is None


# -------------------------------------------------------------------------------------------------------------- planted


def test_folder_is_a_link(ours: Path, tmp_path: Path) -> None:
    """A link in the place of our folder is not followed, even to a folder of ours."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    ours.symlink_to(elsewhere)
    assert (find_local_path(IDENTITY), list(elsewhere.iterdir())) == (None, [])


def test_folder_is_a_file(ours: Path) -> None:
    """A file in the place of our folder leaves no local file."""
    ours.write_text("")
    assert find_local_path(IDENTITY) is None


@as_root
def test_folder_of_somebody_else(ours: Path) -> None:
    """A folder that somebody else made first is not used."""
    ours.mkdir(mode=0o700)
    os.chown(ours, SOMEBODY, SOMEBODY)
    assert find_local_path(IDENTITY) is None


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701, 0o500, 0o1777])
def test_loose_folder_is_mended(mode: int, ours: Path) -> None:
    """A folder of ours with another mode is closed to others."""
    ours.mkdir()
    ours.chmod(mode)
    find_local_path(IDENTITY)
    assert stat.S_IMODE(ours.stat().st_mode) == 0o700


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal", "-lock"])
@pytest.mark.parametrize("target", ["missing", "there"])
def test_file_is_a_link(suffix: str, target: str, temporary: Path, tmp_path: Path) -> None:
    """A link in the place of any file is not followed: nothing is made or changed where it leads."""
    path = found()
    victim = tmp_path / "victim"
    if target == "there":
        victim.write_text("precious")
    planted = Path(f"{path}{suffix}")
    planted.unlink(missing_ok=True)
    planted.symlink_to(victim)
    used = find_local_path(IDENTITY)
    assert (used, victim.read_text() if victim.exists() else "") == (None, "precious" if target == "there" else "")


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_file_has_a_second_name(suffix: str, temporary: Path, tmp_path: Path) -> None:
    """A hard link to another file of ours is not written to."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.link(victim, f"{found()}{suffix}")
    assert find_local_path(IDENTITY) is None


@as_root
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-lock"])
def test_file_of_somebody_else(suffix: str, temporary: Path) -> None:
    """A file that somebody else put there is not opened."""
    planted = Path(f"{found()}{suffix}")
    planted.write_text("")
    os.chown(planted, SOMEBODY, SOMEBODY)
    assert find_local_path(IDENTITY) is None


def test_file_is_a_pipe(temporary: Path) -> None:
    """What is no plain file is not opened: that could hang for ever."""
    os.mkfifo(found())
    assert find_local_path(IDENTITY) is None


def test_loose_file_is_mended(cache: SqliteCache) -> None:
    """A file of ours that others could read is closed to them."""
    path = found()
    path.chmod(0o666)
    find_local_path(IDENTITY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_temporary_directory_without_sticky_bit(temporary: Path) -> None:
    """Where others may rename our folder it is not believed."""
    temporary.chmod(0o777)
    assert find_local_path(IDENTITY) is None


@as_root
def test_temporary_directory_of_somebody_else(temporary: Path) -> None:
    """Who owns the directory may rename our folder, whatever its mode."""
    os.chown(temporary, SOMEBODY, SOMEBODY)
    assert find_local_path(IDENTITY) is None


def test_way_that_others_may_change(temporary: Path, tmp_path: Path) -> None:
    """The same holds for the directories above."""
    tmp_path.chmod(0o770)
    assert find_local_path(IDENTITY) is None


def test_temporary_directory_by_a_link(temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary directory that is itself a link, as on macOS, is used where it leads."""
    link = tmp_path / "link"
    link.symlink_to(temporary)
    monkeypatch.setattr(tempfile, "tempdir", str(link))
    assert found().parent.parent == temporary


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


# ------------------------------------------------------------------------------------------------------- while it is open


def test_folder_removed(cache: SqliteCache, ours: Path) -> None:
    """A folder that a clean-up took away is made anew, with everything that is checked at the start."""
    for file in ours.iterdir():
        file.unlink()
    ours.rmdir()
    gone = cache.load("k")
    outcome = cache.save("k", b"w", version=1, ttl_seconds=60, create=True)
    assert (gone, outcome, stat.S_IMODE(ours.stat().st_mode)) == (None, SaveOutcome.SAVED, 0o700)


def test_link_planted_after_removal(cache: SqliteCache, ours: Path, tmp_path: Path) -> None:
    """Who plants a link in the place of the removed folder gets nothing; the cache is back once the link is gone."""
    elsewhere = tmp_path / "elsewhere"
    ours.rename(elsewhere)
    before = sorted(elsewhere.iterdir())
    ours.symlink_to(tmp_path / "trap")
    (tmp_path / "trap").mkdir()
    with pytest.raises(CacheUnavailable):
        cache.load("k")
    trapped = list((tmp_path / "trap").iterdir())
    ours.unlink()
    cache.save("k", b"w", version=1, ttl_seconds=60, create=True)
    assert (trapped, before != [], cache.load("k")) == ([], True, Stored(b"w", 1))
