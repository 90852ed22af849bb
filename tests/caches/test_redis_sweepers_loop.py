"""The event loop that gives up the leases which Redis may hold for nobody: it comes again until Redis has answered."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
import redis.asyncio

from fotoweb_middleware.caches.protocol import Lease
from fotoweb_middleware.caches.redis_async import AsyncRedisCache
from fotoweb_middleware.caches.redis_scripts import RedisCall
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.orphans_kit import OUTAGE, PATIENCE_SECONDS


class Scripted(AsyncRedisCache):
    """A cache whose Redis answers as a test says."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1", namespace="n")
        self.asked: list[str] = []
        self.replies: dict[str, object] = {}

    async def _ask(self, client: redis.asyncio.Redis, call: RedisCall[Any]) -> object:
        self.asked.append(call.name)
        reply = self.replies.get(call.name, OUTAGE)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have attempts follow at once."""
    monkeypatch.setattr("fotoweb_middleware.caches.redis_async.PAUSE_SECONDS", 0)
    monkeypatch.setattr("fotoweb_middleware.caches.redis_health.PAUSE_SECONDS", 0)


async def until_it_holds(condition: Callable[[], object]) -> None:
    """Let the event loop go on until a condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0)


@pytest.mark.usefixtures("no_pause")
def test_loop_goes_on_until_all_are_given_up() -> None:
    """It comes again as often as Redis is silent, nobody waits for it, and it ends when all are given up."""

    async def work() -> None:
        cache = Scripted()
        for key in ("k", "l"):
            with pytest.raises(CacheUnavailable):
                await cache.take_lease(key, ttl_seconds=60)
        await until_it_holds(lambda: cache.asked.count("load") >= 3)
        assert "free_lease" not in cache.asked

        cache.replies["load"] = None
        await until_it_holds(lambda: cache.asked.count("free_lease") >= 3)
        assert len(cache._health.orphans) == 2

        cache.replies["free_lease"] = 1
        await until_it_holds(lambda: not cache._health.orphans)
        asked = list(cache.asked)
        for _ in range(20):
            await asyncio.sleep(0)
        assert cache.asked == asked

        del cache.replies["free_lease"]
        with pytest.raises(CacheUnavailable):
            await cache.free_lease(Lease("m", "me", 1))
        cache.replies["free_lease"] = 1
        await until_it_holds(lambda: not cache._health.orphans)
        await cache.aclose()

    asyncio.run(work())


@pytest.mark.usefixtures("no_pause")
def test_loop_after_the_cache_was_closed() -> None:
    """A cache that was closed asks nothing any more; opened again, it goes on with what is left."""

    async def work() -> None:
        cache = Scripted()
        with pytest.raises(CacheUnavailable):
            await cache.take_lease("k", ttl_seconds=60)
        await cache.aclose()
        asked = len(cache.asked)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(cache.asked) == asked

        cache.replies = {"free_lease": 1, "load": None}
        await cache.load("k")
        await until_it_holds(lambda: not cache._health.orphans)
        await cache.aclose()

    asyncio.run(work())


@pytest.mark.usefixtures("no_pause")
def test_loop_that_is_closed_before_the_cache() -> None:
    """Nothing is left pending in an event loop that is closed while Redis is silent; the next one goes on."""
    cache = Scripted()

    async def ask() -> None:
        with pytest.raises(CacheUnavailable):
            await cache.take_lease("k", ttl_seconds=60)

    async def look() -> None:
        cache.replies = {"free_lease": 1, "load": None}
        await cache.load("k")
        await until_it_holds(lambda: not cache._health.orphans)
        await cache.aclose()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask())
    loop.close()
    gc.collect()
    asyncio.run(look())
