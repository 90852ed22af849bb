"""A SQLite file that is damaged, removed or replaced while it is open."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware.caches import sqlite_files, sqlite_schema
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.sqlite_damage import (
    FAULTS,
    random_bytes,
    removed,
    removed_with_side_files,
    replaced_by_other_text,
)
from tests.caches.sqlite_kit import insist, query, save, wait_for
from tests.drivers.forking import exit_code, fork_off


@pytest.fixture
def cache(path: Path) -> Iterator[SqliteCache]:
    """Return a cache with one entry."""
    made = SqliteCache(path)
    save(made)
    yield made
    made.close()


def works_together(one: SqliteCache, other: SqliteCache, key: str) -> bool:
    """Return whether two ends of a cache see the same file."""
    try:
        save(one, key, 10**6)
        lease = other.take_lease(key, ttl_seconds=60)
        together = (
            other.load(key) == Stored(b"v", 10**6) and one.take_lease(key, ttl_seconds=60) is None and lease is not None
        )
        if lease is not None:
            one.free_lease(lease)
    except CacheUnavailable:
        return False
    return together


@pytest.mark.parametrize("checkpointed", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_recovers(fault: Callable[[Path], None], checkpointed: bool, cache: SqliteCache, path: Path) -> None:
    """Whatever happens to the files, two ends that had them open work together again at once or soon."""
    other = SqliteCache(path)
    for number in range(100):
        save(cache, f"before {number}", size=1500)
    if checkpointed:
        query(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    other.load("k")
    fault(path)
    turns = itertools.count()
    recovered = wait_for(lambda: works_together(cache, other, f"after {next(turns)}"))
    for number in range(100):  # A page that is still damaged stops it for a moment at most.
        insist(save, cache, f"before {number}", 2, size=1500)
    other.close()
    assert (recovered, works_together(cache, cache, "last")) == (True, True)


@pytest.mark.parametrize("fault", [random_bytes, replaced_by_other_text])
def test_damaged_at_start(fault: Callable[[Path], None], path: Path) -> None:
    """A file that is damaged before anybody opens it is put aside."""
    path.touch()
    fault(path)
    cache = SqliteCache(path)
    outcome = save(cache)
    cache.close()
    assert (outcome, Path(f"{path}.damaged").exists()) == (SaveOutcome.SAVED, True)


def seconds_to_open_what_was_cut(path: Path, *, with_wal: bool) -> float:
    """Cut a file to nothing under one that has it open; return how long another one takes that opens it and saves."""
    with contextlib.closing(SqliteCache(path)) as sleeper, contextlib.closing(SqliteCache(path)) as other:
        save(sleeper)
        os.truncate(path, 0)
        if with_wal:
            os.truncate(f"{path}-wal", 0)
        began = time.monotonic()
        outcome = save(other, "new")
        spent = time.monotonic() - began

        assert (outcome, Path(f"{path}.damaged").exists()) == (SaveOutcome.SAVED, True)
        assert sleeper.load("new") == Stored(b"v", 1)
    return spent


@pytest.mark.parametrize("with_wal", [True, False])
def test_cut_to_nothing_under_one_who_sleeps(with_wal: bool, tmp_path: Path) -> None:
    """Who opens a file that was cut to nothing need not wait for one that has it open, and does not notice."""
    # The best of three: who waits does so for the busy time-out of a second, and so may a machine that stands still.
    assert min(seconds_to_open_what_was_cut(tmp_path / f"{turn}.db", with_wal=with_wal) for turn in range(3)) < 0.9


def test_an_empty_file_of_the_operator(path: Path) -> None:
    """A file that somebody made beforehand, empty, is used as it is."""
    path.touch(0o600)
    made = sqlite_files.identify([str(path)])
    cache = SqliteCache(path)
    save(cache)

    assert (sqlite_files.identify([str(path)]), Path(f"{path}.damaged").exists()) == (made, False)
    cache.close()


def test_damage_is_told(cache: SqliteCache, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line says which file was damaged and where it is now."""
    cache.close()
    random_bytes(path)
    with caplog.at_level(logging.WARNING):
        cache.load("k")
    [line] = [record.getMessage() for record in caplog.records]
    assert (str(path) in line, f"{path}.damaged" in line) == (True, True)


def test_put_aside_once(cache: SqliteCache, path: Path) -> None:
    """Who finds the damage second leaves the new file alone."""
    damaged = sqlite_files.identify([str(path)])
    cache.close()
    random_bytes(path)
    save(cache, "new")
    sqlite_files.put_aside(path, damaged, time.monotonic() + 10)
    assert cache.load("new") == Stored(b"v", 1)


def test_what_was_done_to_a_lost_file_is_done_again(
    cache: SqliteCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tombstone that went into a file that was removed meanwhile is written to the new one."""
    bury = sqlite_schema.bury

    def bury_and_lose(*args: Any, **more: Any) -> None:
        bury(*args, **more)
        monkeypatch.setattr(sqlite_schema, "bury", bury)
        path.unlink()

    monkeypatch.setattr(sqlite_schema, "bury", bury_and_lose)
    cache.bury("k", ttl_seconds=60)
    assert cache.load("k") == Stored(None, 0)


def test_gives_up_where_it_changes_all_the_time(cache: SqliteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is another one at every look makes the cache unavailable, not the call endless."""
    monkeypatch.setattr(sqlite_files.OpenFile, "is_current", lambda _: False)
    with pytest.raises(CacheUnavailable):
        cache.load("k")


# ----------------------------------------------------------------------------------------------------------- under load


def hammer(path: Path, over: Path, seed: int) -> None:
    """Use the cache in every way until there is a file that says so; only one kind of error may come out."""
    cache = SqliteCache(path, pause_seconds=0.1)
    chance = random.Random(seed)
    while not over.exists():
        with contextlib.suppress(CacheUnavailable):
            key = f"k{chance.randrange(50)}"
            save(cache, key, chance.randrange(10**6), size=chance.randrange(3000))
            lease = cache.take_lease(key, ttl_seconds=5)
            cache.load(key)
            if lease is not None:
                cache.free_lease(lease)
            if chance.random() < 0.05:
                cache.bury(f"b{chance.randrange(1000)}", ttl_seconds=60)
            if chance.random() < 0.02:
                cache.close()
    assert wait_for(lambda: save(cache, f"last words of {seed}") is SaveOutcome.SAVED)
    cache.close()


@pytest.mark.parametrize("fault", [random_bytes, removed, removed_with_side_files, replaced_by_other_text])
def test_recovers_under_load(fault: Callable[[Path], None], cache: SqliteCache, path: Path) -> None:
    """Processes that work on the file while it is removed or damaged many times all end on the same one."""
    over = path.with_name("over")
    workers = [fork_off(partial(hammer, path, over, seed)) for seed in range(3)]
    for _ in range(13):
        time.sleep(0.15)
        with contextlib.suppress(FileNotFoundError):
            fault(path)
    for _ in range(5):  # By then damage was found; in steps, since the machine may stand still during one of them.
        time.sleep(0.1)
    over.touch()
    codes = [exit_code(worker) for worker in workers]
    words = [cache.load(f"last words of {seed}") for seed in range(3)]
    assert (codes, words) == ([0] * 3, [Stored(b"v", 1)] * 3)


def test_sqlite_finds_the_file_gone(cache: SqliteCache, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite notices before us that the file lost its name, the write goes to the new one."""
    lost = sqlite3.OperationalError("attempt to write a readonly database")
    lost.sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED
    bury = sqlite_schema.bury

    def fail_once(*args: Any, **more: Any) -> None:
        monkeypatch.setattr(sqlite_schema, "bury", bury)
        raise lost

    monkeypatch.setattr(sqlite_schema, "bury", fail_once)
    cache.bury("k", ttl_seconds=60)
    assert cache.load("k") == Stored(None, 0)


# ---------------------------------------------------------------------------------------------------- rows of nonsense


@pytest.mark.parametrize("value", ["'text'", "CAST(x'ff00' AS TEXT)", "17", "1.5"])
def test_value_of_another_type(value: str, cache: SqliteCache, path: Path) -> None:
    """Whatever a damaged row holds, bytes come out: the seal tells that they are none of ours."""
    query(path, f"UPDATE fotoweb_entries SET value = {value}")  # noqa: S608 (values of ours)
    found = cache.load("k")
    assert found is not None
    assert isinstance(found.value, bytes)


@pytest.mark.parametrize("column", ["version", "fence"])
def test_number_of_another_type(column: str, cache: SqliteCache, path: Path) -> None:
    """A damaged row stands against no new version."""
    query(path, f"UPDATE fotoweb_entries SET {column} = CAST(x'ff' AS TEXT)")  # noqa: S608 (names of ours)
    lease = cache.take_lease("k", ttl_seconds=60)
    outcome = cache.save("k", b"w", version=2, ttl_seconds=60, create=True, lease=lease)
    assert (outcome, cache.load("k")) == (SaveOutcome.SAVED, Stored(b"w", 2))
