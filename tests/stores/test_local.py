"""``local://``: a file in a folder that is ours alone, and nothing that somebody else planted."""

from __future__ import annotations

import errno
import logging
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from fotoweb_middleware.stores.base import StoredEntry
from fotoweb_middleware.stores.local import open_local_store
from fotoweb_middleware.stores.sqlite import SqliteStore
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.store_contract import StoreContract, StoreTrial
from tests.stores.sqlite_kit import fails, let_all_be_patient, save

IDENTITY = "https://tenant.example client S3CR3T"
SOMEBODY = 54321

GiveAway: TypeAlias = Callable[[Path], None]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return what stands for the machine's temporary directory; there is neither a runtime nor a home directory."""
    let_all_be_patient(monkeypatch)
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nonexistent"))
    return folder


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return what stands for the user's runtime directory."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return what stands for the user's home directory."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def ours(temporary: Path) -> Path:
    """Return the folder that is, or will be, ours."""
    return temporary / f"fotoweb-middleware-{os.geteuid()}"


@pytest.fixture
def give_away(monkeypatch: pytest.MonkeyPatch) -> GiveAway:
    """Return what gives a file or folder to somebody else; only root can do it, for others it looks so."""
    if os.geteuid() == 0:
        return lambda path: os.chown(path, SOMEBODY, SOMEBODY)
    theirs: set[int] = set()

    def looking(stat_as_it_is: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
        def look(*which: Any, **more: Any) -> os.stat_result:
            found = stat_as_it_is(*which, **more)
            owner = SOMEBODY if found.st_ino in theirs else found.st_uid
            return os.stat_result((*found[:4], owner, *found[5:]))

        return look

    monkeypatch.setattr(os, "stat", looking(os.stat))
    monkeypatch.setattr(os, "fstat", looking(os.fstat))
    return lambda path: theirs.add(path.stat().st_ino)


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    """Return an open local store with one entry."""
    made = open_local_store(IDENTITY)
    assert made is not None
    save(made)
    yield made
    made.close()


def find_local_path(identity: str) -> Path | None:
    """Return where the store of an identity has its file, or None where there is no safe place."""
    store = open_local_store(identity)
    return store.path if store is not None else None


def found(identity: str = IDENTITY) -> Path:
    """Return the path, which must be there."""
    path = find_local_path(identity)
    assert path is not None
    return path


class TestContract(StoreContract):
    """All promises."""

    @pytest.fixture
    def trial(self, clock: FakeClock) -> Iterator[StoreTrial]:
        """Return an empty store and what turns its clocks."""
        store = open_local_store(IDENTITY, clock=clock, monotonic=clock)
        assert store is not None
        yield StoreTrial(store, clock.advance)
        store.close()


# ---------------------------------------------------------------------------------------------------------------- where


def test_in_the_runtime_directory(runtime: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The user's own runtime directory comes first, and the log is told nothing."""
    with caplog.at_level(logging.DEBUG):
        assert (found().parent, caplog.messages) == (runtime / "fotoweb-middleware", [])


def test_in_the_temporary_directory(ours: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a runtime directory the file lies in a folder of ours in the temporary one."""
    with caplog.at_level(logging.DEBUG):
        assert (found().parent, caplog.messages) == (ours, [])


@pytest.mark.parametrize("value", ["", "relative", "/does/not/exist"])
def test_runtime_directory_of_no_use(value: str, ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime directory that is no absolute path, or not there, is passed over."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert found().parent == ours


@pytest.mark.parametrize(
    ("state_home", "blocked", "expected"),
    [
        ("state", [], "state"),
        ("", [], "home/.local/state"),
        ("relative", [], "home/.local/state"),
        ("", ["home/.local"], "home/.cache"),
    ],
)
def test_name_taken_by_another_user(
    state_home: str,
    blocked: list[str],
    expected: str,
    ours: Path,
    home: Path,
    tmp_path: Path,
    give_away: GiveAway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where somebody else took our name first, the user's own directories follow, and the log names the file."""
    ours.mkdir(mode=0o700)
    give_away(ours)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / state_home) if state_home == "state" else state_home)
    for each in blocked:
        (tmp_path / each).write_text("in the way")

    path = found()

    assert path.parent == tmp_path / expected / "fotoweb-middleware"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert str(path) in caplog.text
    assert "belongs to somebody else" in caplog.text
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_same_identity_same_file() -> None:
    """Processes of one configuration find one file; other configurations another; its name tells nothing."""
    assert (found() == found(), found() == found("other")) == (True, False)
    assert not any(word in found().name for word in ("S3CR3T", "tenant", "client"))


def test_modes(ours: Path) -> None:
    """The folder and all files in it are out of reach of others, whatever the umask."""
    before = os.umask(0)
    try:
        store = open_local_store(IDENTITY)
        assert store is not None
        save(store)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in ours.iterdir()}
    store.close()
    assert (stat.S_IMODE(ours.stat().st_mode), modes) == (0o700, {0o600})


def test_shared_by_processes(store: SqliteStore, temporary: Path) -> None:
    """Another process of the same user and configuration sees the entries."""
    code = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1];"
        "from fotoweb_middleware.stores.local import open_local_store;"
        "store = open_local_store(sys.argv[2]); assert store.load('k').value == b'v'; store.close()"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(temporary), IDENTITY], check=False)
    assert ended.returncode == 0


def test_not_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no owners of files there is no local file."""
    monkeypatch.delattr(os, "geteuid")
    assert find_local_path(IDENTITY) is None


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_no_folder_can_be_made(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no folder can be made there is no local file."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert open_local_store(IDENTITY) is None


def test_read_only_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder can't be written to there is no local file."""
    found()
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert open_local_store(IDENTITY) is None


def test_folder_removed(store: SqliteStore, ours: Path) -> None:
    """A folder that a clean-up took away is made again, with everything that is checked at the start."""
    for file in ours.iterdir():
        file.unlink()
    ours.rmdir()
    gone = store.load("k")
    save(store, version=2)
    assert (gone, store.load("k"), stat.S_IMODE(ours.stat().st_mode)) == (None, StoredEntry(b"v", 2), 0o700)


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


def test_folder_of_somebody_else(ours: Path, give_away: GiveAway) -> None:
    """A folder that somebody else made first is not used."""
    ours.mkdir(mode=0o700)
    give_away(ours)
    assert find_local_path(IDENTITY) is None


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701, 0o500, 0o1777])
def test_loose_folder_is_closed(mode: int, ours: Path) -> None:
    """A folder of ours with another mode is closed to others."""
    ours.mkdir()
    ours.chmod(mode)
    find_local_path(IDENTITY)
    assert stat.S_IMODE(ours.stat().st_mode) == 0o700


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("target", ["missing", "there"])
def test_file_is_a_link(suffix: str, target: str, tmp_path: Path) -> None:
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
def test_file_has_a_second_name(suffix: str, tmp_path: Path) -> None:
    """A hard link to another file of ours is not written to."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.link(victim, f"{found()}{suffix}")
    assert find_local_path(IDENTITY) is None


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_file_of_somebody_else(suffix: str, give_away: GiveAway) -> None:
    """A file that somebody else put there is not opened."""
    planted = Path(f"{found()}{suffix}")
    planted.write_text("")
    give_away(planted)
    assert find_local_path(IDENTITY) is None


def test_file_is_a_pipe() -> None:
    """What is no plain file is not opened: that could hang for ever."""
    os.mkfifo(found())
    assert find_local_path(IDENTITY) is None


def test_loose_file_is_closed(store: SqliteStore) -> None:
    """A file of ours that others could read is closed to them."""
    store.path.chmod(0o666)
    find_local_path(IDENTITY)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_temporary_directory_without_sticky_bit(temporary: Path) -> None:
    """Where others may rename our folder it is not believed."""
    temporary.chmod(0o777)
    assert find_local_path(IDENTITY) is None


def test_temporary_directory_of_somebody_else(temporary: Path, give_away: GiveAway) -> None:
    """Who owns the directory may rename our folder, whatever its mode."""
    give_away(temporary)
    assert find_local_path(IDENTITY) is None


def test_way_that_others_may_change(tmp_path: Path) -> None:
    """The same holds for the directories above."""
    tmp_path.chmod(0o770)
    assert find_local_path(IDENTITY) is None


def test_temporary_directory_by_a_link(temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary directory that is itself a link, as on macOS, is used where it leads."""
    link = tmp_path / "link"
    link.symlink_to(temporary)
    monkeypatch.setattr(tempfile, "tempdir", str(link))
    assert found().parent.parent == temporary


def test_link_planted_after_removal(store: SqliteStore, ours: Path, tmp_path: Path) -> None:
    """Who plants a link in the place of the removed folder gets nothing; the store is back once the link is gone."""
    ours.rename(tmp_path / "elsewhere")
    trap = tmp_path / "trap"
    trap.mkdir()
    ours.symlink_to(trap)
    fails(lambda: store.load("k"))
    trapped = list(trap.iterdir())
    ours.unlink()
    save(store, version=2)
    assert (trapped, store.load("k")) == ([], StoredEntry(b"v", 2))
