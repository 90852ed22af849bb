"""``redis://`` keeps every promise of a store, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry, StoreLock
from fotoweb_middleware.stores.redis import RedisStore, milliseconds, read_entry
from fotoweb_middleware.testing.store_contract import OutageContract, SharedStoreContract, StoreContract, StoreTrial
from tests.providers.redis_server import RedisServer, find_redis_server
from tests.stores.redis_kit import admin, free_port, open_store, turn_clock

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def shared_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Redis for all tests of this module."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    folder: Path = tmp_path_factory.mktemp("redis")
    with RedisServer(folder) as running:
        yield running.url


@pytest.fixture
def url(shared_url: str) -> str:
    """Return the address of an empty Redis."""
    with admin(shared_url) as client:
        client.flushall()
    return shared_url


@pytest.fixture
def store(url: str) -> Iterator[RedisStore]:
    """Return a store in it."""
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    """Return a client of redis-py, to look behind the store."""
    with admin(url) as opened:
        yield opened


class TestContract(StoreContract, SharedStoreContract):
    """All promises; another process is another store, with connections of its own."""

    @pytest.fixture
    def trial(self, url: str, store: RedisStore) -> StoreTrial:
        """Return an empty store and what turns the clock of its Redis."""
        return StoreTrial(store, turn_clock(url))

    @pytest.fixture
    def elsewhere(self, url: str, trial: StoreTrial) -> Iterator[Store]:
        """Return the store as another process opens it."""
        with open_store(url) as opened:
            yield opened


class TestOutage(OutageContract):
    """Nothing listens at the address."""

    @pytest.fixture
    def out_of_reach(self) -> Iterator[Store]:
        """Return a store whose Redis is not there."""
        with open_store(f"redis://127.0.0.1:{free_port()}/0") as opened:
            yield opened


def save(store: Store, version: int, lock: StoreLock | None = None) -> SaveOutcome:
    """Save something."""
    return store.save("k", b"v", version=version, ttl_seconds=60, create=True, lock=lock)


def locked(store: Store) -> StoreLock:
    """Return a lock that must be free."""
    lock = store.acquire_lock("k", ttl_seconds=60)
    assert lock is not None
    return lock


def test_namespaces_apart(url: str) -> None:
    """Stores with different namespaces see nothing of each other."""
    with open_store(url, namespace="a") as one, open_store(url, namespace="b") as two:
        one.revoke("k", ttl_seconds=60)
        one.use_once("k", ttl_seconds=60)
        locked(one)
        assert (two.load("k"), two.use_once("k", ttl_seconds=60), locked(two).fence) == (None, True, 1)


def test_database_of_the_address(url: str, client: Any) -> None:
    """The database in the address is the one used."""
    with open_store(url.removesuffix("/0") + "/3") as store:
        store.revoke("k", ttl_seconds=60)
        assert (client.dbsize(), client.info("keyspace")["db3"]["keys"]) == (0, 1)


def test_every_key_ends(store: RedisStore, client: Any) -> None:
    """Redis ends every key by itself, also one with hardly any time to live."""
    store.save("a", b"v", version=1, ttl_seconds=60, create=True)
    store.revoke("b", ttl_seconds=60)
    store.acquire_lock("c", ttl_seconds=60)
    store.use_once("d", ttl_seconds=60)
    store.use_once("e", ttl_seconds=0)
    assert [key for key in client.scan_iter() if client.pttl(key) == -1] == []


@pytest.mark.parametrize(("seconds", "expected"), [(1, 1000), (0.0001, 1), (0, 1), (-5, 1), (1.0001, 1001)])
def test_milliseconds(seconds: float, expected: int) -> None:
    """A time to live is whole milliseconds, and never what Redis refuses."""
    assert milliseconds(seconds) == expected


def test_fence_after_its_counter_was_lost(store: RedisStore, client: Any) -> None:
    """Where Redis lost the counter, the next lock's fence is still above the stored entry's."""
    for version in (1, 2, 3):
        lock = locked(store)
        save(store, version, lock)
        store.release_lock(lock)
    client.delete("test:{k}:fence")
    lock = locked(store)
    assert (lock.fence, save(store, 4, lock)) == (4, SaveOutcome.SAVED)


def test_save_under_a_lock_of_before_redis_was_emptied(store: RedisStore, client: Any) -> None:
    """The result of a refresh is not thrown away because Redis was emptied meanwhile, nor is the next one's."""
    store.release_lock(locked(store))
    lock = locked(store)
    client.flushall()
    saved = save(store, 2, lock)
    assert (saved, save(store, 3, locked(store))) == (SaveOutcome.SAVED, SaveOutcome.SAVED)


def test_two_saves_under_one_lock(store: RedisStore) -> None:
    """A holder may save more than once: only a higher fence stands against it."""
    lock = locked(store)
    assert (save(store, 1, lock), save(store, 2, lock)) == (SaveOutcome.SAVED, SaveOutcome.SAVED)


def test_foreign_key(store: RedisStore, client: Any) -> None:
    """What is not ours under our keys counts as lost, and is written over."""
    for name in ("test:{k}:entry", "test:{k}:fence"):
        client.set(name, "1 x\n\xff")
    before, saved = store.load("k"), save(store, 1, locked(store))
    assert (before, saved, store.load("k")) == (None, SaveOutcome.SAVED, StoredEntry(b"v", 1))


@pytest.mark.parametrize("text", [b"", b"\n", b"1\nv", b" 1\nv", b"a 1\nv", b"-1 1\nv", b"1 1", b"1 1" + b"0" * 200])
def test_unreadable_entry(text: bytes) -> None:
    """An entry that was written by somebody else counts as lost."""
    assert read_entry(text) is None


def test_entry_with_line_breaks() -> None:
    """The value is everything behind the first line."""
    assert read_entry(b"12 3\n\n1 2\n") == StoredEntry(b"\n1 2\n", 12)


def test_scripts_forgotten(store: RedisStore, client: Any) -> None:
    """A Redis that forgot the scripts (restart, failover, SCRIPT FLUSH) is told them again."""
    save(store, 1)
    client.script_flush()
    assert save(store, 2) is SaveOutcome.SAVED


def test_one_slot(store: RedisStore, client: Any) -> None:
    """A Redis Cluster would keep everything about one session together, and spread the sessions."""
    for number in range(100):
        key = f"session:{number}"
        store.save(key, b"v", version=1, ttl_seconds=60, create=True, lock=store.acquire_lock(key, ttl_seconds=60))
    slots: dict[bytes, set[int]] = {}
    for name in client.scan_iter():
        slots.setdefault(name.split(b"}")[0], set()).add(key_slot(name))
    assert {len(of_one) for of_one in slots.values()} == {1}
    assert len(set.union(*slots.values())) > 90


def test_closed_connections(store: RedisStore, client: Any) -> None:
    """``close`` gives every connection back to Redis, at once."""
    store.load("k")
    store.close()
    assert len(client.client_list(_type="normal")) == 1
