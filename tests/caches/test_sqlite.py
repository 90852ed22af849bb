"""``sqlite:///path`` keeps every promise of a cache, by both of its faces, and a few of its own."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from fotoweb_middleware.caches.offloaded import OffloadedFace
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.cache_contract import BlockingFace, CacheContract, CacheTrial

DAY_SECONDS = 86400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file will lie."""
    return tmp_path / "cache.sqlite"


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def cache(path: Path, clock: FakeClock) -> Iterator[SqliteCache]:
    """Return an empty cache."""
    made = SqliteCache(path, clock=clock)
    yield made
    made.close()


def save(cache: SqliteCache, key: str = "k", value: bytes = b"v", version: int = 1, ttl_seconds: float = 60) -> None:
    """Save something."""
    outcome = cache.save(key, value, version=version, ttl_seconds=ttl_seconds, create=True)
    assert outcome is SaveOutcome.SAVED


def rows(path: Path, table: str) -> int:
    """Count what stands in a table."""
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 (names of ours)
    finally:
        connection.close()


class TestBlocking(CacheContract):
    """The face for the WSGI door."""

    @pytest.fixture
    def trial(self, path: Path) -> Iterator[CacheTrial]:
        """Return an empty cache and what turns its clocks."""
        clock = FakeClock()
        cache = SqliteCache(path, clock=clock, monotonic=clock)
        yield CacheTrial(cache, clock.advance)
        cache.close()


class TestAwaitable(CacheContract):
    """The face for the ASGI door, in asyncio and in trio."""

    @pytest.fixture(params=["asyncio", "trio"])
    def trial(self, request: pytest.FixtureRequest, path: Path) -> Iterator[CacheTrial]:
        """Return an empty cache and what turns its clocks."""
        clock = FakeClock()
        face = OffloadedFace(SqliteCache(path, clock=clock, monotonic=clock), patience_seconds=10)
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
        cache = SqliteCache(path, clock=clock, monotonic=clock)
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


# ----------------------------------------------------------------------------------------------------------- the clocks


def test_lease_does_not_see_the_wall_clock(path: Path) -> None:
    """A wall clock that is set a day forward ends no lease, one set back prolongs none."""
    wall, monotonic = FakeClock(), FakeClock(1000)
    cache = SqliteCache(path, clock=wall, monotonic=monotonic)
    lease = cache.take_lease("k", ttl_seconds=15)
    wall.advance(DAY_SECONDS)
    still_out = cache.take_lease("k", ttl_seconds=15) is None
    wall.advance(0)
    wall._now -= 30 * DAY_SECONDS
    monotonic.advance(16)
    later = cache.take_lease("k", ttl_seconds=15)
    cache.close()
    assert lease is not None
    assert later is not None
    assert (still_out, later.fence > lease.fence) == (True, True)


def test_lease_from_before_a_restart_of_the_machine(path: Path) -> None:
    """The monotonic clock begins anew with the machine; a lease from before blocks nobody."""
    cache = SqliteCache(path, monotonic=FakeClock(5_000_000))
    cache.take_lease("k", ttl_seconds=15)
    cache.close()
    restarted = SqliteCache(path, monotonic=FakeClock(40))
    lease = restarted.take_lease("k", ttl_seconds=15)
    restarted.close()
    assert lease is not None


def test_fence_rises_over_a_lost_file(path: Path, clock: FakeClock) -> None:
    """Who gets a lease in a file made anew is not kept from writing by a fence of the old one."""
    cache = SqliteCache(path, clock=clock, monotonic=FakeClock())
    before = cache.take_lease("k", ttl_seconds=15)
    path.unlink()
    clock.advance(1)
    after = cache.take_lease("k", ttl_seconds=15)
    cache.close()
    assert before is not None
    assert after is not None
    assert after.fence > before.fence


def test_tombstone_outlives_a_clock_set_forward(cache: SqliteCache, clock: FakeClock) -> None:
    """A clock that was wrong for a moment takes no tombstone with it, however much is written meanwhile."""
    cache.bury("k", ttl_seconds=60)
    clock.advance(12 * 3600)
    for number in range(20):
        save(cache, f"other {number}")
    clock._now -= 12 * 3600
    assert cache.load("k") == Stored(None, 0)


def test_shorter_tombstone(cache: SqliteCache, clock: FakeClock) -> None:
    """A tombstone is not shortened by another that would end sooner."""
    cache.bury("k", ttl_seconds=60)
    cache.bury("k", ttl_seconds=1)
    clock.advance(30)
    assert cache.load("k") == Stored(None, 0)


# ------------------------------------------------------------------------------------------------------------- the size


def test_expired_rows_go(path: Path) -> None:
    """Entries, tombstones and leases whose time is over are removed as others come (R-RL2)."""
    clock = FakeClock()
    cache = SqliteCache(path, clock=clock, monotonic=clock)
    for number in range(100):
        save(cache, f"entry {number}", ttl_seconds=10)
        cache.bury(f"tombstone {number}", ttl_seconds=10)
        cache.take_lease(f"lease {number}", ttl_seconds=10)
    clock.advance(2 * DAY_SECONDS)
    for number in range(30):
        save(cache, f"new {number}", ttl_seconds=10 * DAY_SECONDS)
    cache.close()
    assert (rows(path, "fotoweb_entries"), rows(path, "fotoweb_leases")) == (30, 0)


def test_little_is_removed_at_once(cache: SqliteCache, path: Path, clock: FakeClock) -> None:
    """No write has to remove thousands of rows because nobody wrote for a day."""
    for number in range(100):
        save(cache, f"entry {number}", ttl_seconds=10)
    clock.advance(2 * DAY_SECONDS)
    save(cache)
    cache.close()
    assert rows(path, "fotoweb_entries") == 93


# ----------------------------------------------------------------------------------------------------------- secrets


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


def test_time_of_a_locked_write(path: Path) -> None:
    """A write waits for others no longer than its busy time-out, and the next one not at all."""
    cache = SqliteCache(path, busy_timeout_seconds=0.2, pause_seconds=30)
    save(cache)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    spent = []
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(CacheUnavailable):
            cache.save("k", b"w", version=2, ttl_seconds=9, create=True)
        spent.append(time.monotonic() - started)
    other.close()
    cache.close()
    assert 0.15 < spent[0] < 1
    assert spent[1] < 0.05


def test_reading_goes_on_while_somebody_writes(cache: SqliteCache, path: Path) -> None:
    """In WAL mode a locked file can still be read."""
    save(cache)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    seen = cache.load("k")
    other.close()
    assert seen == Stored(b"v", 1)


def test_tombstone_is_tried_during_a_pause(path: Path) -> None:
    """A logout does not give up because another write has just failed."""
    clock = FakeClock()
    cache = SqliteCache(path, busy_timeout_seconds=0.05, monotonic=clock)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CacheUnavailable):
        save(cache)
    other.close()
    cache.bury("k", ttl_seconds=60)
    cache.close()
    assert rows(path, "fotoweb_entries") == 1


def test_recovers_after_a_pause(path: Path) -> None:
    """Once the pause is over writes are tried again."""
    clock = FakeClock()
    cache = SqliteCache(path, busy_timeout_seconds=0.05, pause_seconds=1, monotonic=clock)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CacheUnavailable):
        save(cache)
    other.close()
    clock.advance(1.1)
    save(cache)
    cache.close()


def test_names_side_files_as_sqlite_does(cache: SqliteCache, path: Path) -> None:
    """The connection knows which three files it stands on."""
    save(cache)
    [opened] = cache._connections._idle
    names = (path, Path(f"{path}-wal"), Path(f"{path}-shm"))
    assert opened.identity == tuple((name.stat().st_dev, os.stat(name).st_ino) for name in names)  # noqa: PTH116
