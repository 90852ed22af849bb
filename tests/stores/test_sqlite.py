"""``sqlite:///path`` keeps every promise of a store, and a few of its own."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry
from fotoweb_middleware.stores.sqlite import SqliteStore
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.store_contract import OutageContract, SharedStoreContract, StoreContract, StoreTrial
from tests.stores.sqlite_kit import fails, let_all_be_patient, query, rows, save

DAY_SECONDS = 86400


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every store wait for others, however slow the machine is."""
    let_all_be_patient(monkeypatch)


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    """Return an empty store."""
    made = SqliteStore(path, clock=clock)
    yield made
    made.close()


class TestContract(StoreContract, SharedStoreContract, OutageContract):
    """All promises."""

    @pytest.fixture
    def trial(self, path: Path, clock: FakeClock) -> Iterator[StoreTrial]:
        """Return an empty store and what turns its clocks."""
        store = SqliteStore(path, clock=clock, monotonic=clock)
        yield StoreTrial(store, clock.advance)
        store.close()

    @pytest.fixture
    def elsewhere(self, path: Path, clock: FakeClock) -> Iterator[Store]:
        """Return the same store with connections of its own, as another process has."""
        store = SqliteStore(path, clock=clock, monotonic=clock)
        yield store
        store.close()

    @pytest.fixture
    def out_of_reach(self, tmp_path: Path) -> Store:
        """Return a store whose folder is not there."""
        return SqliteStore(tmp_path / "missing" / "store.sqlite")


class TestRollbackJournal(StoreContract):
    """Where the file system allows no WAL."""

    @pytest.fixture
    def trial(self, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreTrial]:
        """Return an empty store that does without WAL."""

        class WithoutSharedMemory(sqlite3.Connection):
            """Answers as SQLite does on a file system that has none."""

            def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
                return super().execute(sql.replace("= WAL", "= DELETE"), *more)

        connect = partial(sqlite3.connect, factory=WithoutSharedMemory)
        monkeypatch.setattr(sqlite3, "connect", connect)
        store = SqliteStore(path, clock=clock, monotonic=clock)
        store.load("k")
        yield StoreTrial(store, clock.advance)
        store.close()
        assert path.read_bytes()[18] == 1, "byte 18 of a file in WAL mode is 2 (sqlite.org/fileformat.html, 1.3)"


# ------------------------------------------------------------------------------------------------------------- the file


def test_not_opened_before_use(store: SqliteStore, path: Path) -> None:
    """A store that nobody asked anything has made no file: a server may fork after it was built (R-TE20)."""
    assert not path.exists()


def test_modes(store: SqliteStore, path: Path) -> None:
    """Nobody else can read any of the files, whatever the umask, and we can (R-CS10)."""
    before = os.umask(0)
    try:
        save(store)
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {f"{path.name}{suffix}": 0o600 for suffix in ("", "-shm", "-wal")}


def test_survives_closing(store: SqliteStore) -> None:
    """Entries outlive the process that wrote them."""
    save(store)
    store.close()
    assert store.load("k") == StoredEntry(b"v", 1)


def test_link_is_followed(path: Path, tmp_path: Path) -> None:
    """Two names for one file, one of them a link, are one store."""
    link = tmp_path / "link"
    link.symlink_to(path)
    by_link, by_name = SqliteStore(link), SqliteStore(path)
    save(by_link)
    seen = by_name.load("k")
    by_link.close()
    by_name.close()
    assert seen == StoredEntry(b"v", 1)


def test_tables_of_others_stay(store: SqliteStore, path: Path) -> None:
    """A database that somebody else uses too keeps what it has."""
    query(path, "CREATE TABLE theirs (x)")
    save(store)
    assert query(path, "SELECT count(*) FROM theirs") == (0,)


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_forgotten_store_is_closed(path: Path) -> None:
    """A store that nobody holds any more gives its files back."""
    save(SqliteStore(path))
    gc.collect()
    assert not Path(f"{path}-wal").exists()


def test_folder_comes_later(tmp_path: Path) -> None:
    """A store out of reach answers as soon as its folder is there."""
    store = SqliteStore(tmp_path / "later" / "store.sqlite")
    fails(lambda: store.load("k"))
    (tmp_path / "later").mkdir()
    outcome = save(store)
    store.close()
    assert outcome is SaveOutcome.SAVED


# ----------------------------------------------------------------------------------------------------------- the clocks


def test_wall_clock_set_back(store: SqliteStore, clock: FakeClock) -> None:
    """A clock that is set back ends nothing, and keeps nothing from being written."""
    save(store)
    store.revoke("revoked", ttl_seconds=60)
    clock._now -= 30 * DAY_SECONDS
    outcome = save(store, version=2)
    assert (outcome, store.load("k"), store.load("revoked")) == (
        SaveOutcome.SAVED,
        StoredEntry(b"v", 2),
        StoredEntry(None, 0),
    )


def test_fence_rises_over_a_lost_file(path: Path, clock: FakeClock) -> None:
    """Who gets a lock in a file made again is not kept from writing by a fence of the old one."""
    store = SqliteStore(path, clock=clock, monotonic=FakeClock())
    before = store.acquire_lock("k", ttl_seconds=15)
    path.unlink()
    clock.advance(1)
    after = store.acquire_lock("k", ttl_seconds=15)
    store.close()
    assert before is not None
    assert after is not None
    assert after.fence > before.fence


# ------------------------------------------------------------------------------------------------------------- the size


def test_expired_rows_go(path: Path, clock: FakeClock) -> None:
    """Everything whose time is over is removed as more comes."""
    store = SqliteStore(path, clock=clock, monotonic=clock)
    for number in range(50):
        save(store, f"entry {number}", ttl_seconds=10)
        store.revoke(f"revoked {number}", ttl_seconds=10)
        store.acquire_lock(f"lock {number}", ttl_seconds=10)
        store.use_once(f"used {number}", ttl_seconds=10)
    clock.advance(2 * DAY_SECONDS)
    for number in range(40):
        save(store, f"new {number}", ttl_seconds=10 * DAY_SECONDS)
    store.close()
    assert rows(path) == 41, "the newest fence has a row too"


def test_little_is_removed_at_once(store: SqliteStore, path: Path, clock: FakeClock) -> None:
    """No write has to remove thousands of rows because nobody wrote for a day."""
    for number in range(100):
        save(store, f"entry {number}", ttl_seconds=10)
    clock.advance(2 * DAY_SECONDS)
    save(store)
    assert rows(path) == 93


def test_file_stops_growing(store: SqliteStore, path: Path, clock: FakeClock) -> None:
    """The room of rows that were removed is used again, so the file has its largest size after the first day."""
    pages = []
    for day in range(4):
        for number in range(100):
            save(store, f"{day} {number}", size=1500, ttl_seconds=10)
            store.revoke(f"revoked {day} {number}", ttl_seconds=10)
        clock.advance(2 * DAY_SECONDS)
        pages.append(int(str(query(path, "PRAGMA page_count")[0])))
    assert max(pages[1:]) < 1.2 * pages[0]
