"""A Redis that hung carries out what nobody waits for any more: a lease taken so is given up once it answers again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Lease
from fotoweb_middleware.caches.redis_async import AsyncRedisCache
from fotoweb_middleware.caches.redis_blocking import RedisCache
from fotoweb_middleware.caches.redis_scripts import build_free_lease
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.orphans_kit import PATIENCE_SECONDS
from tests.caches.redis_kit import OWN_FACES, TIMEOUT_SECONDS, admin, failure, frozen, open_face, pid_of
from tests.providers.redis_server import RedisServer

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("threads")]

LONG_SECONDS = 600


def until(works: Callable[[], object]) -> object:
    """Ask over and over, as requests would, and return the first answer that is one."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        with contextlib.suppress(CacheUnavailable):
            if answer := works():
                return answer
        time.sleep(0.02)
    return None


def owner_of(server: RedisServer, key: str) -> bytes | None:
    """Return whose lease Redis has."""
    with admin(server.url) as client:
        owner: bytes | None = client.get(f"test:{{{key}}}:lease")
        return owner


@pytest.mark.parametrize("face", OWN_FACES)
def test_lease_of_nobody(redis_server: RedisServer, face: str) -> None:
    """A question that timed out is carried out later; it is undone though the one who asked has nothing else to ask."""
    with (
        open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as asker,
        open_face("blocking", redis_server.url) as other,
    ):
        # Redis knows the scripts from now on.
        warm = until(lambda: asker.take_lease("warm", ttl_seconds=LONG_SECONDS))
        assert isinstance(warm, Lease)
        with frozen(redis_server):
            failure(lambda: asker.take_lease("k", ttl_seconds=LONG_SECONDS))

        assert until(lambda: other.take_lease("k", ttl_seconds=LONG_SECONDS)) is not None
        assert other.take_lease("warm", ttl_seconds=LONG_SECONDS) is None


@pytest.mark.parametrize("face", OWN_FACES)
def test_lease_that_could_not_be_given_up(redis_server: RedisServer, face: str) -> None:
    """So is a lease whose own giving up was lost on the way."""
    with open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as asker:
        lease = until(lambda: asker.take_lease("k", ttl_seconds=LONG_SECONDS))
        assert isinstance(lease, Lease)
        with admin(redis_server.url) as client:
            client.client_pause(60_000, all=False)  # Writes are held back, and those of who has gone are dropped.
            failure(lambda: asker.free_lease(lease))
            client.client_unpause()

        assert until(lambda: owner_of(redis_server, "k") is None)


@pytest.mark.parametrize("face", OWN_FACES)
def test_lease_that_was_not_given_up_in_an_outage(redis_server: RedisServer, face: str) -> None:
    """So is one whose giving up Redis was not even asked for, since it had just been silent."""
    with open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as asker:
        lease = until(lambda: asker.take_lease("k", ttl_seconds=LONG_SECONDS))
        assert isinstance(lease, Lease)
        with frozen(redis_server):
            failure(lambda: asker.load("k"))
            assert "a moment ago" in failure(lambda: asker.free_lease(lease))

        assert until(lambda: owner_of(redis_server, "k") is None)


def want_replicas(client: Any, *, wanted: bool) -> None:
    """Have Redis take no writes, since too few replicas follow it."""
    client.config_set("min-replicas-to-write", int(wanted))


def be_replica(client: Any, *, wanted: bool) -> None:
    """Make Redis a replica, as an old primary after a failover."""
    client.execute_command("REPLICAOF", *(("127.0.0.1", "1") if wanted else ("NO", "ONE")))


@pytest.mark.parametrize("face", OWN_FACES)
@pytest.mark.parametrize("refuse", [want_replicas, be_replica])
def test_lease_that_redis_keeps_for_a_while(redis_server: RedisServer, face: str, refuse: Callable[..., None]) -> None:
    """So is one that Redis at first refuses to give up: for half a minute it is asked again."""
    with open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as asker, admin(redis_server.url) as client:
        lease = until(lambda: asker.take_lease("k", ttl_seconds=LONG_SECONDS))
        assert isinstance(lease, Lease)
        refuse(client, wanted=True)
        try:
            failure(lambda: asker.free_lease(lease))
        finally:
            refuse(client, wanted=False)

        assert until(lambda: owner_of(redis_server, "k") is None)


def test_lease_of_somebody(redis_server: RedisServer) -> None:
    """A lease that another one has taken meanwhile stays theirs."""
    cache = RedisCache(redis_server.url, namespace="test")
    with contextlib.closing(cache), admin(redis_server.url) as client:
        lost = until(lambda: cache.take_lease("k", ttl_seconds=LONG_SECONDS))
        assert isinstance(lost, Lease)
        client.delete("test:{k}:lease")  # As when it has ended.
        held = cache.take_lease("k", ttl_seconds=LONG_SECONDS)
        assert held is not None
        make_up = build_free_lease("test", lost).make_up
        assert make_up is not None
        cache._health.orphans.note(make_up)
        cache.sweeper.sweep(cache._ask_in_turn)

        assert not cache._health.orphans
        assert owner_of(redis_server, "k") == held.owner.encode()


def test_loops_that_end_with_each_call(redis_server: RedisServer) -> None:
    """Where every call has an event loop of its own, none lives until Redis answers again; it is done all the same."""
    cache = AsyncRedisCache(redis_server.url, namespace="test", timeout_seconds=TIMEOUT_SECONDS)

    async def take(key: str) -> Lease | None:
        try:
            return await cache.take_lease(key, ttl_seconds=LONG_SECONDS)
        finally:
            await cache._hold().client.connection_pool.disconnect()

    asyncio.run(take("warm"))
    with frozen(redis_server):
        failure(lambda: asyncio.run(take("k")))

    with open_face("blocking", redis_server.url) as other:
        assert until(lambda: other.take_lease("k", ttl_seconds=LONG_SECONDS)) is not None
    asyncio.run(cache.aclose())


def test_loop_that_ends_in_the_middle(redis_server: RedisServer) -> None:
    """What is under way when its event loop ends is made up for, be it a taking, a giving up or a giving back."""
    cache = AsyncRedisCache(redis_server.url, namespace="test", timeout_seconds=TIMEOUT_SECONDS)
    left: list[asyncio.Task[Any]] = []

    async def begin() -> None:
        lease = await cache.take_lease("given up", ttl_seconds=LONG_SECONDS)
        assert lease is not None
        await cache.free_lease(lease)
        lease = await cache.take_lease("given up", ttl_seconds=LONG_SECONDS)
        assert lease is not None
        os.kill(pid, signal.SIGSTOP)
        left.append(asyncio.create_task(cache.free_lease(lease)))
        left.append(asyncio.create_task(cache.take_lease("taken", ttl_seconds=LONG_SECONDS)))
        await asyncio.sleep(TIMEOUT_SECONDS / 8)
        left[1].cancel()
        await asyncio.sleep(0)

    async def close() -> None:
        for (_, loop), held in list(cache._held.items()):
            if loop.is_closed():
                await held.client.connection_pool.disconnect(inuse_connections=True)
        await cache.aclose()

    pid = pid_of(redis_server)
    try:
        asyncio.run(begin())
    finally:
        os.kill(pid, signal.SIGCONT)

    with open_face("blocking", redis_server.url) as other:
        for key in ("given up", "taken"):
            assert until(lambda key=key: other.take_lease(key, ttl_seconds=LONG_SECONDS)) is not None  # type: ignore[misc]
    asyncio.run(close())


def test_looks_go_on_where_writes_hang(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """That a lease can't be given up stops nobody's look, and the log does not tell of it."""
    cache = RedisCache(redis_server.url, namespace="test", timeout_seconds=TIMEOUT_SECONDS)
    with contextlib.closing(cache), admin(redis_server.url) as client:
        until(lambda: cache.take_lease("warm", ttl_seconds=LONG_SECONDS))
        client.client_pause(60_000, all=False)
        failure(lambda: cache.take_lease("k", ttl_seconds=LONG_SECONDS))
        until(lambda: cache.load("k") is None)
        caplog.clear()

        cache.sweeper.sweep(cache._ask_in_turn)
        assert cache._health.orphans
        assert cache.load("k") is None
        client.client_unpause()

    assert [line for line in caplog.messages if "back" not in line] == []
