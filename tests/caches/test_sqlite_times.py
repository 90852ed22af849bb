"""The clocks of a SQLite cache, and how its rows and its files stop growing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.testing import FakeClock
from tests.caches.sqlite_kit import query, rows, save

DAY_SECONDS = 86400


@pytest.fixture
def cache(path: Path, clock: FakeClock) -> Iterator[SqliteCache]:
    """Return an empty cache."""
    made = SqliteCache(path, clock=clock)
    yield made
    made.close()


# ----------------------------------------------------------------------------------------------------------- the clocks


def test_lease_does_not_see_the_wall_clock(path: Path) -> None:
    """A wall clock that is set a day forward ends no lease, one set back prolongs none."""
    wall, monotonic = FakeClock(), FakeClock(1000)
    cache = SqliteCache(path, clock=wall, monotonic=monotonic)
    lease = cache.take_lease("k", ttl_seconds=15)
    wall.advance(DAY_SECONDS)
    still_out = cache.take_lease("k", ttl_seconds=15) is None
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


def test_lease_from_before_a_restart_ends(path: Path) -> None:
    """Where the new clock happens to stand within an old lease it blocks for that lease's time, and no longer."""
    cache = SqliteCache(path, monotonic=FakeClock(100))
    cache.take_lease("k", ttl_seconds=15)
    cache.close()
    uptime = FakeClock(110)
    restarted = SqliteCache(path, monotonic=uptime)
    blocked = restarted.take_lease("k", ttl_seconds=15)
    uptime.advance(6)
    free = restarted.take_lease("k", ttl_seconds=15)
    restarted.close()
    assert (blocked, free is None) == (None, False)


def test_wall_clock_set_back(cache: SqliteCache, clock: FakeClock) -> None:
    """A clock that is set back ends nothing, and keeps nothing from being written."""
    save(cache)
    cache.bury("buried", ttl_seconds=60)
    clock._now -= 30 * DAY_SECONDS
    outcome = save(cache, version=2)
    assert (outcome, cache.load("k"), cache.load("buried")) == (SaveOutcome.SAVED, Stored(b"v", 2), Stored(None, 0))


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


def test_file_stops_growing(cache: SqliteCache, path: Path, clock: FakeClock) -> None:
    """The room of rows that were removed is used again, so the file has its largest size after the first day."""
    pages = []
    for day in range(4):
        for number in range(200):
            save(cache, f"{day} {number}", size=1500, ttl_seconds=10)
            cache.bury(f"buried {day} {number}", ttl_seconds=10)
        clock.advance(2 * DAY_SECONDS)
        pages.append(int(str(query(path, "PRAGMA page_count")[0])))
    assert max(pages[1:]) < 1.2 * pages[0]


def test_log_is_bounded(cache: SqliteCache, path: Path) -> None:
    """The write-ahead log goes into the file every thousand pages, and then begins anew."""
    sizes = []
    for version in range(1, 2001):
        save(cache, f"k{version % 100}", version, size=3000)
        if not version % 100:
            sizes.append(Path(f"{path}-wal").stat().st_size)
    assert (max(sizes) > 2**20, max(sizes) < 8 * 2**20) == (True, True)
