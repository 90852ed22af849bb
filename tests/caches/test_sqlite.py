"""``sqlite:///path`` keeps every promise of a cache, by both of its faces, and a few of its own."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from fotoweb_middleware.caches.offloaded import OffloadedFace
from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.cache_contract import BlockingFace, CacheContract, CacheTrial
from tests.caches.sqlite_kit import PATIENT_SECONDS, patient, rows, save


@pytest.fixture
def cache(path: Path, clock: FakeClock) -> Iterator[SqliteCache]:
    """Return an empty cache."""
    made = SqliteCache(path, clock=clock)
    yield made
    made.close()


class TestBlocking(CacheContract):
    """The face for the WSGI door."""

    @pytest.fixture
    def trial(self, path: Path) -> Iterator[CacheTrial]:
        """Return an empty cache and what turns its clocks."""
        clock = FakeClock()
        cache = patient(SqliteCache(path, clock=clock, monotonic=clock))
        yield CacheTrial(cache, clock.advance)
        cache.close()


class TestAwaitable(CacheContract):
    """The face for the ASGI door, in asyncio and in trio."""

    @pytest.fixture(params=["asyncio", "trio"])
    def trial(self, request: pytest.FixtureRequest, path: Path) -> Iterator[CacheTrial]:
        """Return an empty cache and what turns its clocks."""
        clock = FakeClock()
        cache_in_threads = patient(SqliteCache(path, clock=clock, monotonic=clock))
        face = OffloadedFace(cache_in_threads, patience_seconds=PATIENT_SECONDS)
        with start_blocking_portal(request.param) as portal:
            cache = BlockingFace(face, portal)
            yield CacheTrial(cache, clock.advance)
            cache.close()


class TestRollbackJournal(CacheContract):
    """Where the file system allows no WAL."""

    @pytest.fixture
    def trial(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheTrial]:
        """Return an empty cache that does without WAL."""
        clock = FakeClock()
        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, factory=NoWal, **more))
        cache = patient(SqliteCache(path, clock=clock, monotonic=clock))
        cache.load("k")
        yield CacheTrial(cache, clock.advance)
        cache.close()
        assert path.read_bytes()[18] == 1, "byte 18 of a file in WAL mode is 2 (sqlite.org/fileformat.html, 1.3)"


class NoWal(sqlite3.Connection):
    """A connection on a file system that has no shared memory."""

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        """Answer as SQLite does there."""
        return super().execute(sql.replace("= WAL", "= DELETE"), *arguments)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------------- the file


def test_shared(cache: SqliteCache) -> None:
    """Other processes see what lies in the file."""
    assert cache.shared


def test_not_opened_before_use(cache: SqliteCache, path: Path) -> None:
    """A cache that nobody asked anything has made no file: a server may fork after it was built."""
    assert not path.exists()


def test_modes(cache: SqliteCache, path: Path) -> None:
    """Nobody else can read any of the files."""
    save(cache)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {f"cache.sqlite{suffix}": 0o600 for suffix in ("", "-lock", "-shm", "-wal")}


def test_modes_do_not_depend_on_umask(path: Path) -> None:
    """A process that hides even from itself what it makes can still write its cache, and so can others of its user."""
    before = os.umask(0o277)
    try:
        cache = SqliteCache(path)
        save(cache)
    finally:
        os.umask(before)
    mode = stat.S_IMODE(path.stat().st_mode)
    cache.close()
    assert mode == 0o600


def test_two_caches_one_file(cache: SqliteCache, path: Path, clock: FakeClock) -> None:
    """Whoever names the same file sees the same entries."""
    other = SqliteCache(path, clock=clock)
    save(cache)
    seen = other.load("k")
    other.close()
    assert seen == Stored(b"v", 1)


def test_survives_closing(cache: SqliteCache) -> None:
    """Entries outlive the process that wrote them."""
    save(cache)
    cache.close()
    assert cache.load("k") == Stored(b"v", 1)


def test_link_is_followed(path: Path, tmp_path: Path) -> None:
    """Two names for one file, one of them a link, are one cache."""
    link = tmp_path / "link"
    link.symlink_to(path)
    by_link, by_name = SqliteCache(link), SqliteCache(path)
    save(by_link)
    seen = by_name.load("k")
    by_link.close()
    by_name.close()
    assert seen == Stored(b"v", 1)


def test_tables_of_others_stay(cache: SqliteCache, path: Path) -> None:
    """A database that somebody else uses too keeps what it has."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    save(cache)
    assert rows(path, "theirs") == 0


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_forgotten_cache_is_closed(path: Path) -> None:
    """A cache that nobody holds any more gives its files back."""
    save(SqliteCache(path))
    gc.collect()
    assert not Path(f"{path}-wal").exists()


def test_few_connections(cache: SqliteCache) -> None:
    """However many threads came, few connections stay open."""
    started = threading.Barrier(20)

    def use() -> None:
        started.wait()
        save(cache, threading.current_thread().name)

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache._connections._idle) <= 8


def test_no_folder(tmp_path: Path) -> None:
    """Without its folder the cache is out of reach, and says nothing else."""
    cache = SqliteCache(tmp_path / "missing" / "cache.sqlite")
    with pytest.raises(CacheUnavailable):
        cache.load("k")


def test_folder_comes_later(tmp_path: Path) -> None:
    """It answers as soon as the folder is there."""
    cache = SqliteCache(tmp_path / "later" / "cache.sqlite")
    with pytest.raises(CacheUnavailable):
        cache.load("k")
    (tmp_path / "later").mkdir()
    save(cache)
    cache.close()


def test_names_side_files_as_sqlite_does(cache: SqliteCache, path: Path) -> None:
    """The connection knows which three files it stands on."""
    save(cache)
    [opened] = cache._connections._idle
    names = (path, Path(f"{path}-wal"), Path(f"{path}-shm"))
    assert opened.identity == tuple((name.stat().st_dev, os.stat(name).st_ino) for name in names)  # noqa: PTH116


def test_no_value_in_an_error(cache: SqliteCache, path: Path) -> None:
    """What an error says holds neither the key's value nor the owner of a lease."""
    save(cache)
    with sqlite3.connect(path) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CacheUnavailable) as caught:
            cache.save("k", b"S3CR3T", version=2, ttl_seconds=9, create=True)
        connection.rollback()
    connection.close()
    assert "S3CR3T" not in repr(caught.value) + repr(caught.value.__cause__)
