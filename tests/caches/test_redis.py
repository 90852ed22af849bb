"""``redis://`` keeps every promise of a cache, by both of its faces, on a real Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.testing.cache_contract import CacheContract, CacheTrial
from tests.caches.redis_kit import FACES, admin, open_face, turn_clock
from tests.providers.redis_server import RedisServer, find_redis_server

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Redis for all tests of this module."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    folder: Path = tmp_path_factory.mktemp("redis")
    with RedisServer(folder) as running:
        yield running.url


@pytest.fixture
def empty_url(url: str) -> str:
    """Return the address of an empty Redis."""
    with admin(url) as client:
        client.flushall()
    return url


class TestPromises(CacheContract):
    """All promises, by threads, in asyncio and in trio."""

    @pytest.fixture(params=FACES)
    def trial(self, request: pytest.FixtureRequest, empty_url: str) -> Iterator[CacheTrial]:
        """Return an empty cache and what turns the clock of its Redis."""
        with open_face(request.param, empty_url) as cache:
            yield CacheTrial(cache, turn_clock(empty_url))


@pytest.mark.parametrize("face", FACES)
def test_shared(url: str, face: str) -> None:
    """Other processes see what lies in Redis."""
    with open_face(face, url) as cache:
        assert cache.shared


@pytest.mark.parametrize("face", FACES)
def test_faces_share(empty_url: str, face: str) -> None:
    """What one face wrote the others read."""
    with open_face("blocking", empty_url) as writer, open_face(face, empty_url) as reader:
        writer.save("k", b"v", version=1, ttl_seconds=60, create=True)
        assert reader.load("k") == Stored(b"v", 1)


def test_namespaces_apart(empty_url: str) -> None:
    """Two configurations on one Redis don't see each other's entries, tombstones or leases."""
    with open_face("blocking", empty_url, namespace="a") as one, open_face("blocking", empty_url, namespace="b") as two:
        one.bury("k", ttl_seconds=60)
        one.take_lease("k", ttl_seconds=60)
        assert (two.load("k"), two.take_lease("k", ttl_seconds=60) is not None) == (None, True)


def test_databases_apart(empty_url: str) -> None:
    """The database in the address is the one used."""
    with open_face("blocking", empty_url.removesuffix("/0") + "/3") as cache, admin(empty_url) as client:
        cache.bury("k", ttl_seconds=60)
        assert (client.dbsize(), client.info("keyspace")["db3"]["keys"]) == (0, 1)


def test_redis_counts_the_time(empty_url: str) -> None:
    """Entries and leases end by Redis's own time to live, with nobody there to see to it."""
    with open_face("blocking", empty_url) as cache:
        cache.save("k", b"v", version=1, ttl_seconds=0.05, create=True)
        cache.take_lease("k", ttl_seconds=0.05)
        time.sleep(0.1)
        assert (cache.load("k"), cache.take_lease("k", ttl_seconds=1) is not None) == (None, True)


def test_nothing_stays_for_ever(empty_url: str) -> None:
    """Every key in Redis has an end."""
    with open_face("blocking", empty_url) as cache, admin(empty_url) as client:
        cache.save("a", b"v", version=1, ttl_seconds=60, create=True)
        cache.bury("b", ttl_seconds=60)
        cache.take_lease("c", ttl_seconds=60)
        assert [key for key in client.scan_iter() if client.pttl(key) < 0] == []


def test_tombstone_never_ends_earlier(empty_url: str) -> None:
    """Burying again for a shorter time leaves the longer one."""
    with open_face("blocking", empty_url) as cache:
        cache.bury("k", ttl_seconds=100)
        cache.bury("k", ttl_seconds=1)
        turn_clock(empty_url)(50)
        assert cache.load("k") == Stored(None, 0)


def test_fence_goes_on_from_the_entry(empty_url: str) -> None:
    """Where Redis lost the count of a key's leases, the next holder can still write."""
    with open_face("blocking", empty_url) as cache, admin(empty_url) as client:
        for version in (1, 2, 3):
            lease = cache.take_lease("k", ttl_seconds=60)
            assert lease is not None
            cache.save("k", b"v", version=version, ttl_seconds=60, create=True, lease=lease)
            cache.free_lease(lease)
        client.delete("test:{k}:fence")
        late = cache.take_lease("k", ttl_seconds=60)
        assert late is not None
        assert late.fence == 4


def test_clock_of_redis_jumps_back(empty_url: str) -> None:
    """A lease that a jump of Redis's clock made long is cut to the usual length as soon as somebody asks."""
    with open_face("blocking", empty_url) as cache, admin(empty_url) as client:
        cache.take_lease("k", ttl_seconds=15)
        client.pexpire("test:{k}:lease", 3_600_000)
        cache.take_lease("k", ttl_seconds=15)
        turn_clock(empty_url)(15)
        assert cache.take_lease("k", ttl_seconds=15) is not None


def test_lease_without_end(empty_url: str) -> None:
    """What lies where a lease would be, and has no end, gets one."""
    with open_face("blocking", empty_url) as cache, admin(empty_url) as client:
        client.hset("test:{k}:lease", "a", "b")
        cache.take_lease("k", ttl_seconds=15)
        turn_clock(empty_url)(15)
        assert cache.take_lease("k", ttl_seconds=15) is not None


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("foreign", ["text", "list"])
def test_foreign_key(empty_url: str, face: str, foreign: str) -> None:
    """What is not ours under a key of ours counts as lost, and can be written over."""
    with open_face(face, empty_url) as cache, admin(empty_url) as client:
        if foreign == "text":
            client.set("test:{k}:entry", "1 x\n\xff")
        else:
            client.rpush("test:{k}:entry", "a")
        before = cache.load("k")
        cache.save("k", b"v", version=1, ttl_seconds=60, create=True)
        assert (before, cache.load("k")) == (None, Stored(b"v", 1))


def test_foreign_fence(empty_url: str) -> None:
    """What is not ours where fences are counted is written over."""
    with open_face("blocking", empty_url) as cache, admin(empty_url) as client:
        client.rpush("test:{k}:fence", "a")
        lease = cache.take_lease("k", ttl_seconds=60)
        assert lease is not None
        assert lease.fence == 1


@pytest.mark.parametrize("face", FACES)
def test_scripts_forgotten(empty_url: str, face: str) -> None:
    """A Redis that forgot the scripts (restart, failover, SCRIPT FLUSH) is told them again."""
    with open_face(face, empty_url) as cache, admin(empty_url) as client:
        cache.save("k", b"v", version=1, ttl_seconds=60, create=True)
        client.script_flush()
        cache.save("k", b"w", version=2, ttl_seconds=60, create=True)
        assert cache.load("k") == Stored(b"w", 2)
