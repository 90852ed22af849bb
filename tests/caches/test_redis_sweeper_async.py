"""The thread that gives up leases for the awaitable face: with a connection of its own, and apart from requests."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from fotoweb_middleware.caches.redis_async import AsyncRedisCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.orphans_kit import Threads, orphan
from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("threads")


def test_closed_cache_of_an_event_loop(threads: Threads) -> None:
    """The awaitable face does the same, once its last event loop has closed it."""
    cache = AsyncRedisCache("redis://127.0.0.1:1", namespace="n")

    async def close() -> None:
        with contextlib.suppress(CacheUnavailable):
            await cache.load("k")
        await cache.aclose()

    async def work() -> None:
        await cache.aclose()
        with pytest.raises(CacheUnavailable):
            await cache.take_lease("k", ttl_seconds=60)
        assert len(threads.running()) == 1
        await asyncio.to_thread(asyncio.run, close())
        assert not cache._sweeping.sweeper._is_closed
        await cache.aclose()
        assert cache._sweeping.sweeper._is_closed

    asyncio.run(work())


def test_requests_go_on_where_the_thread_can_not_connect(caplog: pytest.LogCaptureFixture) -> None:
    """Under asyncio it has a connection of its own: what becomes of that is nobody's outage, and not in the log."""
    cache = AsyncRedisCache("redis://127.0.0.1:1", namespace="n")
    cache._health.orphans.note(orphan())
    cache._sweeping.sweeper.sweep(cache._sweeping.give_up)

    assert len(cache._health.orphans) == 1
    cache._health.check(orphan())
    assert caplog.messages == []


@pytest.mark.redis
def test_connection_ends_with_the_work(redis_server: RedisServer) -> None:
    """And it is kept no longer than there is something to do."""
    cache = AsyncRedisCache(redis_server.url, namespace="n")
    for number in range(2):
        cache._health.orphans.note(orphan(number))
    cache._sweeping.sweeper.sweep(cache._sweeping.give_up)

    assert not cache._health.orphans
    assert cache._sweeping._held == {}
