"""A SQLite store whose processes are killed, and whose file is damaged or removed, while they work on it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.base import StoredEntry
from fotoweb_middleware.stores.sqlite import SqliteStore
from tests.providers.forking import exit_code, fork_off
from tests.stores.sqlite_kit import query, save

KILLED = 25
RECOVERY_SECONDS = 10.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file lies."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """Return the store as this process sees it."""
    made = SqliteStore(path)
    save(made, "mine")
    yield made
    made.close()


def insist(call: Callable[[], object]) -> None:
    """Call until the store answers, for as long as recovery may take."""
    ends_at = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            call()
        except StoreUnavailable:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.02)
        else:
            return


def work_for_ever(path: Path, number: int, is_closing: bool) -> None:
    """Write, revoke and lock until killed; where wanted, also open and close all the time."""
    store = SqliteStore(path)
    chance = random.Random(number)
    while True:
        with contextlib.suppress(StoreUnavailable):
            key = f"k{chance.randrange(50)}"
            save(store, key, chance.randrange(10**6), size=chance.randrange(3000))
            lock = store.acquire_lock(key, ttl_seconds=5)
            store.revoke(f"r{chance.randrange(50)}", ttl_seconds=600)
            if lock is not None:
                store.release_lock(lock)
            if is_closing:
                store.close()


@pytest.mark.parametrize("is_closing", [False, True])
def test_killed(is_closing: bool, store: SqliteStore, path: Path) -> None:
    """However many processes are killed at any moment, the others continue and the file stays whole."""
    for number in range(KILLED):
        child = fork_off(partial(work_for_ever, path, number, is_closing))
        time.sleep(random.uniform(0.02, 0.1))
        os.kill(child, signal.SIGKILL)
        assert exit_code(child) == -signal.SIGKILL
        insist(lambda number=number: save(store, f"after {number}"))  # type: ignore[misc]
    assert store.load("mine") == StoredEntry(b"v", 1)
    assert {store.load(f"after {number}") for number in range(KILLED)} == {StoredEntry(b"v", 1)}
    assert query(path, "PRAGMA integrity_check") == ("ok",)


def hammer(path: Path, over: Path, seed: int) -> None:
    """Use the store in every way until there is a file that says so; only one kind of error may come out."""
    store = SqliteStore(path)
    chance = random.Random(seed)
    while not over.exists():
        with contextlib.suppress(StoreUnavailable):
            key = f"k{chance.randrange(50)}"
            save(store, key, chance.randrange(10**6), size=chance.randrange(3000))
            lock = store.acquire_lock(key, ttl_seconds=5)
            store.load(key)
            if lock is not None:
                store.release_lock(lock)
            if chance.random() < 0.02:
                store.close()
    insist(lambda: save(store, f"last words of {seed}"))
    store.close()


def random_bytes(path: Path) -> None:
    """Write random bytes over the file, in place."""
    with path.open("r+b") as file:
        file.write(random.randbytes(path.stat().st_size or 8192))


def removed(path: Path) -> None:
    """Remove the database file alone."""
    path.unlink()


def removed_with_side_files(path: Path) -> None:
    """Remove everything."""
    for name in list(path.parent.iterdir()):
        name.unlink(missing_ok=True)


@pytest.mark.parametrize("fault", [random_bytes, removed, removed_with_side_files])
def test_damaged_under_load(fault: Callable[[Path], None], store: SqliteStore, path: Path) -> None:
    """Processes that work on the file while it is damaged or removed many times all end on the same one."""
    over = path.with_name("over")
    workers = [fork_off(partial(hammer, path, over, seed)) for seed in range(3)]
    for _ in range(13):
        time.sleep(0.15)
        with contextlib.suppress(FileNotFoundError):
            fault(path)
    time.sleep(1)  # By then the damage was found.
    over.touch()
    assert [exit_code(worker) for worker in workers] == [0] * 3
    assert [store.load(f"last words of {seed}") for seed in range(3)] == [StoredEntry(b"v", 1)] * 3
