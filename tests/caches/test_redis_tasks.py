"""One Redis and many tasks, some of them cancelled, in several event loops."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import anyio
import pytest
import trio
import trio.testing

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.caches.redis import AsyncRedisCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.redis_kit import KEYS, NAMESPACE, PATIENT_SECONDS, admin, fill, frozen, open_face
from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.redis


@pytest.fixture
def url(redis_server: RedisServer) -> str:
    """Return the address of a Redis that holds a value under each of some keys."""
    fill(redis_server.url)
    return redis_server.url


async def load_and_be_cancelled(cache: AsyncRedisCache, calls: int) -> list[tuple[int, Stored | None]]:
    """Load in so many tasks at once, cancel two of three at odd moments, and return what the others got."""
    chance = random.Random(5)
    got: list[tuple[int, Stored | None]] = []

    async def load(number: int, patience_seconds: float) -> None:
        await anyio.sleep(chance.random() * 0.2)
        with anyio.move_on_after(patience_seconds):
            got.append((number, await cache.load(f"k{number}")))

    async with anyio.create_task_group() as group:
        for call in range(calls):
            patience_seconds = 30 if call % 3 == 0 else chance.random() * 0.004
            group.start_soon(load, call % KEYS, patience_seconds)
    return got


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelled_loads(url: str, backend: str) -> None:
    """Of 1500 loads 1000 are cancelled midway: no other load gets the answer to one of them (T-CX-13)."""

    async def main() -> list[tuple[int, Stored | None]]:
        cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
        try:
            return await load_and_be_cancelled(cache, 1500)
        finally:
            await cache.aclose()

    got = anyio.run(main, backend=backend)
    wrong = [pair for pair in got if pair[1] != Stored(b"v%d" % pair[0], 1)]
    assert (wrong, len(got) >= 500) == ([], True)


def test_cancelled_tasks(url: str) -> None:
    """Asyncio's own task.cancel() at any moment, 500 times: the next load gets its own answer (T-CX-13)."""

    async def main() -> list[bool]:
        cache, right = (
            AsyncRedisCache(f"{url}?max_connections=2", namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS),
            [],
        )
        for call in range(500):
            task = asyncio.create_task(cache.load(f"k{call % KEYS}"))
            for _ in range(call % 12):
                await asyncio.sleep(0)
            task.cancel()
            other = (call + 7) % KEYS
            right.append(await cache.load(f"k{other}") == Stored(b"v%d" % other, 1))
            await asyncio.wait({task})
        await cache.aclose()
        return right

    assert asyncio.run(main()) == [True] * 500


def test_cancelled_calls_lose_no_connection(url: str) -> None:
    """However many calls are cancelled, no connection is lost to the pool or made needlessly."""

    async def main() -> int:
        cache = AsyncRedisCache(f"{url}?max_connections=3", namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
        await load_and_be_cancelled(cache, 300)
        await asyncio.gather(*(cache.load("k1") for _ in range(20)))
        with admin(url) as client:
            made = int(client.info("stats")["total_connections_received"])
        await cache.aclose()
        return made

    with admin(url) as client:
        before = int(client.info("stats")["total_connections_received"])
    assert asyncio.run(main()) - before <= 3 + 2


def test_cancelled_on_a_hanging_redis(redis_server: RedisServer, url: str) -> None:
    """A caller that is cancelled while Redis hangs goes at once, and the late answer reaches nobody."""

    async def main() -> tuple[float, Stored | None]:
        cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
        await cache.load("k1")
        loop = asyncio.get_running_loop()
        with frozen(redis_server):
            task = asyncio.create_task(cache.load("k2"))
            await asyncio.sleep(0.05)
            started = loop.time()
            task.cancel()
            await asyncio.wait({task})
            waited = loop.time() - started
        got = await cache.load("k3")
        await cache.aclose()
        return waited, got

    waited, got = asyncio.run(main())
    assert (waited < 5, got) == (True, Stored(b"v3", 1))


def test_lease_of_a_cancelled_taker(redis_server: RedisServer, url: str) -> None:
    """A lease that Redis gave to a caller who had gone is given back."""

    async def main() -> bool:
        cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
        await cache.load("k1")
        with frozen(redis_server):
            task = asyncio.create_task(cache.take_lease("k1", ttl_seconds=60))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait({task})
        lease = None
        while lease is None:  # Until the time-out of the test.
            lease = await cache.take_lease("k1", ttl_seconds=60)
        await cache.aclose()
        return lease.fence == 2

    assert asyncio.run(main())


def test_closing_waits_for_the_abandoned(redis_server: RedisServer, url: str) -> None:
    """Closing waits for calls whose callers have gone; nothing is left over when the loop ends."""

    async def main() -> None:
        cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
        await cache.load("k1")
        task = asyncio.create_task(cache.bury("k1", ttl_seconds=60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        await cache.aclose()

    asyncio.run(main(), debug=True)
    with open_face("blocking", url) as cache:
        assert cache.load("k1") == Stored(None, 0)


def test_failures_of_the_abandoned_are_silent(
    redis_server: RedisServer, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A call that fails after its caller has gone leaves no complaint of asyncio in the log."""

    async def main() -> None:
        cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=1.0)
        await cache.load("k1")
        with frozen(redis_server):
            task = asyncio.create_task(cache.load("k2"))
            await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait({task})
            await cache.aclose()

    asyncio.run(main())
    gc.collect()
    assert [record for record in caplog.records if not record.name.startswith("fotoweb_middleware")] == []


def test_several_loops(url: str) -> None:
    """One cache serves event loops in several threads, of asyncio and of trio, at the same time."""
    cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)

    async def main() -> list[Stored | None]:
        try:
            return [await cache.load(f"k{number % KEYS}") for number in range(200)]
        finally:
            await cache.aclose()

    with ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(partial(anyio.run, main, backend=("asyncio", "trio")[number % 2])) for number in range(6)]
    expected = [Stored(b"v%d" % (number % KEYS), 1) for number in range(200)]
    assert [run.result() == expected for run in runs] == [True] * 6


def test_loop_after_loop(url: str) -> None:
    """What ended loops left behind is let go: a loop for each request fills no memory."""
    cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # The loops end without closing the cache: that is the point.
        for _ in range(20):
            asyncio.run(cache.load("k1"))
        kept = len(cache._held)
        cache._held.clear()
        gc.collect()
    assert kept == 1


def test_wait_for_a_thread_is_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under trio a call that finds all threads taken gives up after the queue's time."""
    monkeypatch.setattr("fotoweb_middleware.caches.redis_async.THREADS", 1)
    cache = AsyncRedisCache(url, namespace=NAMESPACE, queue_seconds=0.1)
    over = threading.Event()
    monkeypatch.setattr(cache._blocking, "load", lambda _: over.wait(20))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cache.load, "k1")
            await trio.testing.wait_all_tasks_blocked()
            try:
                with trio.fail_after(5), pytest.raises(CacheUnavailable, match="too many calls at once"):
                    await cache.load("k2")
            finally:
                over.set()

    trio.run(main)


def test_trio_inside_asyncio(url: str) -> None:
    """Trio that runs as a guest of asyncio's loop is known as trio."""

    async def main() -> Stored | None:
        cache, done = (
            AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS),
            asyncio.get_running_loop().create_future(),
        )
        trio.lowlevel.start_guest_run(
            cache.load,
            "k1",
            run_sync_soon_threadsafe=asyncio.get_running_loop().call_soon_threadsafe,
            done_callback=done.set_result,
        )
        outcome = await done
        await cache.aclose()
        result: Stored | None = outcome.unwrap()
        return result

    assert asyncio.run(main()) == Stored(b"v1", 1)
