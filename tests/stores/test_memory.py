"""``memory://`` keeps every promise of a store, and follows no flood into memory."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.stores import memory
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry
from fotoweb_middleware.stores.memory import MemoryStore
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.store_contract import StoreContract, StoreTrial
from tests.stores.sqlite_kit import save

SIZE = 20


class TestContract(StoreContract):
    """All promises."""

    @pytest.fixture
    def trial(self, clock: FakeClock) -> StoreTrial:
        """Return an empty store and what turns its clock."""
        return StoreTrial(MemoryStore(SIZE, clock), clock.advance)


def test_not_shared() -> None:
    """Other processes don't see what lies in memory."""
    assert not MemoryStore(1).shared


def test_least_recently_used_goes_first() -> None:
    """A full store drops the entry that was not used for longest."""
    store = MemoryStore(2)
    for key in ("a", "b"):
        save(store, key)
    store.load("a")
    save(store, "c")
    assert [store.load(key) for key in ("a", "b", "c")] == [StoredEntry(b"v", 1), None, StoredEntry(b"v", 1)]


def test_expired_take_no_memory(clock: FakeClock) -> None:
    """Revocations, locks and used keys whose time is over are dropped as others come."""
    store = MemoryStore(SIZE, clock)
    for number in range(500):
        store.revoke(f"k{number}", ttl_seconds=10)
        store.acquire_lock(f"k{number}", ttl_seconds=10)
        store.use_once(f"k{number}", ttl_seconds=10)
        clock.advance(1)
    tables: list[Any] = [store._revocations, store._locks, store._used]
    assert max(len(each._Cache__data) for each in tables) <= 11


def test_flood_of_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of callbacks fills no memory, and keeps neither a refresh lock nor the next login away."""
    monkeypatch.setattr(memory, "MAX_USED_KEYS", 3)
    store = MemoryStore(SIZE)
    used = [store.use_once(f"login {number}", ttl_seconds=660) for number in range(10)]

    assert (all(used), len(store._used)) == (True, 3)
    assert not store.use_once("login 9", ttl_seconds=660)
    assert store.acquire_lock("refresh", ttl_seconds=30) is not None


class RunningClock(FakeClock):
    """A clock that advances by a second with every look at it."""

    def __call__(self) -> float:
        """Return the time."""
        self.advance(1)
        return super().__call__()


@pytest.mark.parametrize("seconds", range(1, 12))
def test_what_ends_in_the_middle_of_a_call(seconds: int) -> None:
    """An entry or a lock may end between two looks of one call: nothing is raised."""
    store = MemoryStore(SIZE, RunningClock())
    store.save("k", b"v", version=1, ttl_seconds=seconds, create=True)
    lock = store.acquire_lock("k", ttl_seconds=seconds)
    assert lock is not None

    outcome = store.save("k", b"w", version=2, ttl_seconds=seconds, create=False)
    store.release_lock(lock)
    store.revoke("k", ttl_seconds=60)

    assert outcome in {SaveOutcome.SAVED, SaveOutcome.MISSING}
    assert store.load("k") == StoredEntry(None, 0)


def test_no_secret_in_repr() -> None:
    """Neither values nor owners stand in a repr."""
    store = MemoryStore(1)
    lock = store.acquire_lock("k", ttl_seconds=1)
    assert lock is not None
    texts = repr([StoredEntry(b"S3CR3T", 1), lock, store._locks])
    assert not [secret for secret in ("S3CR3T", lock.owner) if secret in texts]
