"""More calls at once than connections: they queue, which is no failure of Redis; the queue has a bound of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.redis_kit import FACES, KEYS, NAMESPACE, PATIENT_SECONDS, admin, failure, fill, frozen, open_face
from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.redis

TRIES = 5


@pytest.fixture
def url(redis_server: RedisServer) -> str:
    """Return the address of a Redis that holds a value under each of some keys."""
    fill(redis_server.url)
    return redis_server.url


async def load_all(cache: AsyncRedisCache, calls: int) -> list[Stored | BaseException | None]:
    """Load so many times at once, and return what came of each."""
    return await asyncio.gather(*(cache.load(f"k{call % KEYS}") for call in range(calls)), return_exceptions=True)


def test_a_thousand_tasks(url: str) -> None:
    """A thousand tasks of one event loop that ask at once are all answered, with the time-outs that are the default."""

    async def main() -> list[Stored | BaseException | None]:
        cache = AsyncRedisCache(url, namespace=NAMESPACE)
        try:
            return await load_all(cache, 1000)
        finally:
            await cache.aclose()

    assert asyncio.run(main()) == [Stored(b"v%d" % (call % KEYS), 1) for call in range(1000)]


def test_two_hundred_threads(url: str) -> None:
    """Two hundred threads that ask over and over are all answered: none is passed over in the queue."""
    start = threading.Barrier(200)

    def load(caller: int) -> set[Stored | None]:
        start.wait()
        return {cache.load(f"k{caller % KEYS}") for _ in range(30)}

    with open_face("blocking", url) as cache, ThreadPoolExecutor(200) as pool:
        got = list(pool.map(load, range(200)))
    assert got == [{Stored(b"v%d" % (caller % KEYS), 1)} for caller in range(200)]


def test_a_busy_event_loop(redis_server: RedisServer, url: str) -> None:
    """An answer that came while the event loop was busy with something else is read, though its time was over."""

    async def main() -> Stored | None:
        cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=2.0)
        await cache.load("k1")
        with frozen(redis_server):
            call = asyncio.create_task(cache.load("k2"))
            await asyncio.sleep(0.1)
        time.sleep(1.2)  # noqa: ASYNC251 (an app that blocks its event loop for longer than a step)
        try:
            return await call
        finally:
            await cache.aclose()

    got: list[Stored | None] = []
    while len(got) < TRIES and Stored(b"v2", 1) not in got:
        try:
            got.append(asyncio.run(main()))
        except CacheUnavailable:  # By the clock the wait is bounded too, and the machine may stand still for longer.
            got.append(None)
    assert Stored(b"v2", 1) in got


def test_hanging_with_a_long_queue(redis_server: RedisServer, url: str) -> None:
    """When Redis hangs, those in the queue don't wait for it one after the other: the first failure sends them away."""

    async def main() -> tuple[float, int]:
        cache = AsyncRedisCache(f"{url}?max_connections=2", namespace=NAMESPACE, queue_seconds=60)
        await cache.load("k1")
        started = time.monotonic()
        with frozen(redis_server):
            got = await load_all(cache, 200)
        seconds = time.monotonic() - started
        await cache.aclose()
        return seconds, sum(isinstance(one, CacheUnavailable) for one in got)

    seconds, failed = asyncio.run(main())
    assert (seconds < 20, failed) == (True, 200)  # One after the other: 200 / 2 * 0.5 s.


@pytest.mark.parametrize("face", FACES)
def test_the_queue_is_bounded(
    redis_server: RedisServer, url: str, face: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds no connection free for too long is told so; that is no outage, and the next call goes through."""
    monkeypatch.setattr("fotoweb_middleware.caches.redis_async.THREADS", 1)
    with open_face(face, f"{url}?max_connections=1", queue_seconds=0.1) as cache, ThreadPoolExecutor(1) as pool:
        cache.load("k1")
        with frozen(redis_server):
            slow = pool.submit(cache.load, "k1")
            time.sleep(0.3)
            words = [failure(lambda: cache.load("k2")) for _ in range(2)]
        assert (slow.result(), cache.load("k2")) == (Stored(b"v1", 1), Stored(b"v2", 1))
    assert ["too many calls at once" in each for each in words] == [True, True]
    assert not [record for record in caplog.messages if "out of reach" in record]


def test_cancelled_in_the_queue(redis_server: RedisServer, url: str) -> None:
    """Who is cancelled in the queue has asked nothing: Redis is spared the question."""

    async def main() -> None:
        cache = AsyncRedisCache(f"{url}?max_connections=1", namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
        await cache.load("k1")
        with frozen(redis_server):
            calls = [asyncio.create_task(cache.bury(f"q{number}", ttl_seconds=60)) for number in range(5)]
            await asyncio.sleep(0.05)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
        await cache.aclose()

    asyncio.run(main())
    with admin(url) as client:
        assert client.keys("*q*") == [b"test:{q0}:entry"]


def test_closing_while_others_queue(url: str) -> None:
    """Closing lets those in the queue finish, and leaves no connection behind."""

    async def main() -> list[Stored | BaseException | None]:
        cache = AsyncRedisCache(f"{url}?max_connections=2", namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
        calls = asyncio.create_task(load_all(cache, 100))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await cache.aclose()
        return await calls

    assert asyncio.run(main()) == [Stored(b"v%d" % (call % KEYS), 1) for call in range(100)]
    with admin(url) as client:
        assert len(client.client_list(_type="normal")) == 1


def test_a_forks_queue_is_its_own(url: str) -> None:
    """What is taken in the parent is not taken in a child: each process has turns of its own."""
    cache = RedisCache(f"{url}?max_connections=1", namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
    assert cache._hold().turns.acquire(blocking=False)
    cache._held = {-1: cache._hold()}  # As a child sees it: its parent's number is another.
    assert cache.load("k1") == Stored(b"v1", 1)
    cache.close()
