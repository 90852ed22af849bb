"""``memory://`` keeps every promise of a cache, by both of its faces."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from fotoweb_middleware.caches import memory
from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.cache_contract import BlockingFace, CacheContract, CacheTrial

SIZE = 20


class TestBlocking(CacheContract):
    """The face for the WSGI door."""

    @pytest.fixture
    def trial(self) -> CacheTrial:
        """Return an empty cache and what turns its clock."""
        clock = FakeClock()
        return CacheTrial(MemoryCache(SIZE, clock), clock.advance)


class TestAwaitable(CacheContract):
    """The face for the ASGI door, in asyncio and in trio."""

    @pytest.fixture(params=["asyncio", "trio"])
    def trial(self, request: pytest.FixtureRequest) -> Iterator[CacheTrial]:
        """Return an empty cache and what turns its clock."""
        clock = FakeClock()
        with start_blocking_portal(request.param) as portal:
            yield CacheTrial(BlockingFace(InlineFace(MemoryCache(SIZE, clock)), portal), clock.advance)


def save(cache: MemoryCache, key: str, ttl_seconds: float = 60) -> None:
    """Save something."""
    cache.save(key, b"v", version=1, ttl_seconds=ttl_seconds, create=True)


def test_not_shared() -> None:
    """Other processes don't see what lies in memory."""
    assert not InlineFace(MemoryCache(1)).shared


def test_awaitable_face_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing the awaitable face closes the cache behind it."""
    cache, closed = MemoryCache(1), []
    monkeypatch.setattr(cache, "close", lambda: closed.append(True))
    anyio.run(InlineFace(cache).aclose)
    assert closed == [True]


def test_least_recently_used_goes_first() -> None:
    """A full cache drops the entry that was not used for longest."""
    cache = MemoryCache(2)
    for key in ("a", "b"):
        save(cache, key)
    cache.load("a")
    save(cache, "c")
    assert [cache.load(key) for key in ("a", "b", "c")] == [Stored(b"v", 1), None, Stored(b"v", 1)]


def test_expired_take_no_memory() -> None:
    """Tombstones and leases whose time is over are dropped as others come (R-RL2)."""
    clock = FakeClock()
    cache = MemoryCache(SIZE, clock)
    for number in range(500):
        cache.bury(f"k{number}", ttl_seconds=10)
        cache.take_lease(f"k{number}", ttl_seconds=10)
        clock.advance(1)
    assert max(len(cache._tombstones._Cache__data), len(cache._leases._Cache__data)) <= 11  # type: ignore[attr-defined]


def test_flood_of_claims_holds_up_no_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers can have only so many states claimed; leases on the refresh of sessions are to be had all the same."""
    monkeypatch.setattr(memory, "MOST_LEASES", 3)
    cache = MemoryCache(SIZE)
    for number in range(3):
        assert cache.take_lease(f"login {number}", ttl_seconds=660) is not None

    with pytest.raises(CacheUnavailable):
        cache.take_lease("login 4", ttl_seconds=660)
    assert cache.take_lease("refresh", ttl_seconds=305) is not None


class RunningClock(FakeClock):
    """A clock that goes on by a second with every look at it."""

    def __call__(self) -> float:
        """Return the time."""
        self.advance(1)
        return super().__call__()


@pytest.mark.parametrize("seconds", range(1, 12))
def test_what_ends_in_the_middle_of_a_call(seconds: int) -> None:
    """An entry or a lease may end between two looks of one call: nothing is raised."""
    cache = MemoryCache(SIZE, RunningClock())
    cache.save("k", b"v", version=1, ttl_seconds=seconds, create=True)
    lease = cache.take_lease("k", ttl_seconds=seconds)
    assert lease is not None

    outcome = cache.save("k", b"w", version=2, ttl_seconds=seconds, create=False)
    cache.free_lease(lease)
    cache.bury("k", ttl_seconds=60)

    assert outcome in {SaveOutcome.SAVED, SaveOutcome.MISSING}
    assert cache.load("k") == Stored(None, 0)


def test_no_secret_in_repr() -> None:
    """Neither values nor owners stand in a repr."""
    cache = MemoryCache(1)
    lease = cache.take_lease("k", ttl_seconds=1)
    assert lease is not None
    texts = repr([Stored(b"S3CR3T", 1), lease, cache._leases])
    assert not [secret for secret in ("S3CR3T", lease.owner) if secret in texts]
