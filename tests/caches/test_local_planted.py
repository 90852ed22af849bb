"""``local://`` uses nothing that somebody else planted."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from fotoweb_middleware.caches.local import find_local_path, open_local_cache
from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.local_kit import IDENTITY, found

SOMEBODY = 54321

GiveAway: TypeAlias = Callable[[Path], None]


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


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-lock"])
def test_file_of_somebody_else(suffix: str, temporary: Path, give_away: GiveAway) -> None:
    """A file that somebody else put there is not opened."""
    planted = Path(f"{found()}{suffix}")
    planted.write_text("")
    give_away(planted)
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


def test_temporary_directory_of_somebody_else(temporary: Path, give_away: GiveAway) -> None:
    """Who owns the directory may rename our folder, whatever its mode."""
    give_away(temporary)
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


def test_link_planted_after_removal(cache: SqliteCache, ours: Path, tmp_path: Path) -> None:
    """Who plants a link in the place of the removed folder gets nothing; the cache is back once the link is gone."""
    ours.rename(tmp_path / "elsewhere")
    trap = tmp_path / "trap"
    trap.mkdir()
    ours.symlink_to(trap)
    with pytest.raises(CacheUnavailable):
        cache.load("k")
    trapped = list(trap.iterdir())
    ours.unlink()
    cache.save("k", b"w", version=1, ttl_seconds=60, create=True)
    assert (trapped, cache.load("k")) == ([], Stored(b"w", 1))
