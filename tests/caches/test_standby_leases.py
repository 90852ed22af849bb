"""Leases of a Redis with a file of this machine beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import anyio
import pytest

from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.standby import AsyncStandbyCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.standby_kit import FACES, Pair, opened


@pytest.fixture(params=FACES)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Return two empty caches behind each face."""
    with opened(request.param) as made:
        yield made


def test_lease_while_the_primary_is_down(pair: Pair) -> None:
    """One process of this machine gets the lease, the next one does not."""
    pair.redis.is_down = True
    first = pair.cache.take_lease("k", ttl_seconds=60)

    assert first is not None
    assert pair.cache.take_lease("k", ttl_seconds=60) is None
    pair.cache.free_lease(first)
    assert pair.cache.take_lease("k", ttl_seconds=60) is not None


def test_lease_outlasts_the_primary(pair: Pair) -> None:
    """Who holds the lease when the primary dies holds it still: nobody else of this machine gets it."""
    assert pair.cache.take_lease("k", ttl_seconds=60) is not None
    pair.redis.is_down = True

    assert pair.cache.take_lease("k", ttl_seconds=60) is None


def test_lease_of_another_machine(pair: Pair) -> None:
    """Where another machine holds the lease this one gets none, and keeps none of its own."""
    elsewhere = pair.redis.take_lease("k", ttl_seconds=60)
    assert elsewhere is not None
    assert pair.cache.take_lease("k", ttl_seconds=60) is None

    pair.redis.free_lease(elsewhere)

    assert pair.cache.take_lease("k", ttl_seconds=60) is not None


def test_one_machine_asks_the_primary_once(pair: Pair) -> None:
    """A lease that this machine holds is not asked for at the primary."""
    pair.cache.take_lease("k", ttl_seconds=60)
    pair.redis.calls.clear()

    pair.cache.take_lease("k", ttl_seconds=60)

    assert pair.redis.calls == []


def test_lease_from_an_outage_writes_after_it(pair: Pair) -> None:
    """The result of a refresh that began while the primary was down is saved once it is back."""
    pair.redis.is_down = True
    lease = pair.cache.take_lease("k", ttl_seconds=60)
    pair.redis.is_down = False

    assert pair.save(2, lease=lease) is SaveOutcome.SAVED
    assert pair.redis.load("k") == Stored(b"v2", 2)


def test_late_holder_is_fenced(pair: Pair) -> None:
    """The primary's fence holds: who lost the lease overwrites nothing of who has it now."""
    late = pair.cache.take_lease("k", ttl_seconds=1)
    pair.clock.advance(2)
    lease = pair.cache.take_lease("k", ttl_seconds=60)
    pair.save(2, lease=lease)

    assert pair.save(3, lease=late) is SaveOutcome.NEWER


@pytest.mark.parametrize("is_down", [False, True])
def test_lease_is_freed_in_both(pair: Pair, is_down: bool) -> None:
    """A freed lease can be had again in each cache alone; where the primary is down its own ends by itself."""
    lease = pair.cache.take_lease("k", ttl_seconds=60)
    assert lease is not None
    pair.redis.is_down = is_down
    with contextlib.suppress(CacheUnavailable):
        pair.cache.free_lease(lease)
    pair.redis.is_down = False

    assert pair.file.take_lease("k", ttl_seconds=60) is not None
    assert (pair.redis.take_lease("k", ttl_seconds=60) is None) == is_down


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelled_taker_keeps_nothing(backend: str) -> None:
    """Who is cancelled between the two leases gives this machine's back."""
    made = Pair(None)

    class Hanging(InlineFace):
        async def take_lease(self, key: str, *, ttl_seconds: float) -> None:
            await anyio.sleep_forever()

    async def main() -> None:
        cache = AsyncStandbyCache(Hanging(made.redis), InlineFace(made.file))
        with anyio.move_on_after(0.01):
            await cache.take_lease("k", ttl_seconds=60)

    anyio.run(main, backend=backend)

    assert made.file.take_lease("k", ttl_seconds=60) is not None


def test_closed_together(pair: Pair) -> None:
    """Both give back what they hold."""
    pair.cache.close()

    assert (pair.redis.calls, pair.file.calls) == (["close"], ["close"])


def test_fence_of_this_machine_stays_here(pair: Pair) -> None:
    """A save under a lease of an outage keeps nobody out afterwards, however high this machine has counted."""
    for _ in range(5):
        counted = pair.file.take_lease("another", ttl_seconds=60)
        assert counted is not None
        pair.file.free_lease(counted)
    pair.redis.is_down = True
    lease = pair.cache.take_lease("k", ttl_seconds=60)
    assert lease is not None
    pair.redis.is_down = False
    pair.save(2, lease=lease)
    pair.cache.free_lease(lease)

    assert pair.save(3, lease=pair.cache.take_lease("k", ttl_seconds=60)) is SaveOutcome.SAVED
