"""What Redis takes at 100,000 sessions, in time and in memory. ``pytest -n0 -s`` on this file prints the figures."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome
from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from fotoweb_middleware.caches.redis_scripts import build_bury, build_save, build_take_lease
from tests.caches.redis_kit import NAMESPACE, PATIENT_SECONDS, admin
from tests.providers.redis_server import RedisServer, find_redis_server

pytestmark = [pytest.mark.redis, pytest.mark.benchmark]

SESSIONS = 100_000
SEALED = b"s" * 1500
"""A sealed session with two tokens is about this long."""

OTHERS = 20_000
"""So many leases and tombstones tell what one takes."""

CALLS = 1000
READ_FROM = 50_000
"""The first of the sessions that are only read: those before are written by one test or the other."""
AT_MOST_MEDIAN_SECONDS = 0.02
"""Some fifty times what was measured: only a blunder is caught."""


def key_of(number: int) -> str:
    """Return a key of the usual length."""
    return f"session:{number:032x}"


def fill(url: str, command: Callable[[str], tuple[str | bytes | int, ...]], count: int) -> float:
    """Send one command for each session, and return by how many bytes each Redis has grown."""
    with admin(url) as client:
        before = int(client.info("memory")["used_memory"])
        for start in range(0, count, 1000):
            pipeline = client.pipeline(transaction=False)
            for number in range(start, start + 1000):
                pipeline.execute_command(*command(key_of(number)))
            pipeline.execute()
        return (int(client.info("memory")["used_memory"]) - before) / count


def save_command(key: str) -> tuple[str | bytes | int, ...]:
    """Return the command that saves a session."""
    save = build_save(NAMESPACE, key, SEALED, version=1, ttl_seconds=43_200, create=True, lease=None)
    return save.in_full


@pytest.fixture(scope="module")
def full_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, float]]:
    """Return the address of a Redis with all sessions in it, and how many bytes each took."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running.url, fill(running.url, save_command, SESSIONS)


@pytest.fixture
def full_url(full_redis: tuple[str, float]) -> str:
    """Return its address."""
    return full_redis[0]


def tell(what: str, seconds: list[float]) -> float:
    """Print and return the median."""
    ordered = sorted(seconds)
    median, slow = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    sys.stdout.write(f"\n{what}: median {median * 1e6:.0f} us, 99th percentile {slow * 1e6:.0f} us")
    return median


def test_memory(full_redis: tuple[str, float], redis_server: RedisServer) -> None:
    """A session takes little more than its bytes; tombstones and fences take little at all."""
    entries, url = full_redis[1], redis_server.url
    leases = fill(url, lambda key: build_take_lease(NAMESPACE, key, ttl_seconds=15).in_full, OTHERS)
    with admin(url) as client:
        client.flushall()
    tombstones = fill(url, lambda key: build_bury(NAMESPACE, key, ttl_seconds=43_200).in_full, OTHERS)
    sys.stdout.write(
        f"\nbytes each: entry of {len(SEALED)}: {entries:.0f}; lease and fence: {leases:.0f}; "
        f"tombstone: {tombstones:.0f}\n"
    )
    assert (entries < 2 * len(SEALED), leases < 600, tombstones < 300) == (True, True, True)


def test_blocking_face(full_url: str) -> None:
    """By threads a miss, a hit, a save and a lease each take well under a millisecond."""
    cache = RedisCache(full_url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)
    leases: list[Lease] = []

    def timed(work: Callable[[int], object]) -> list[float]:
        seconds = []
        for number in range(CALLS):
            started = time.perf_counter()
            work(number)
            seconds.append(time.perf_counter() - started)
        return seconds

    def take(number: int) -> None:
        lease = cache.take_lease(key_of(number), ttl_seconds=60)
        assert lease is not None
        leases.append(lease)

    def save(number: int) -> None:
        lease = leases[number]
        outcome = cache.save(lease.key, SEALED, version=2, ttl_seconds=43_200, create=False, lease=lease)
        assert outcome is SaveOutcome.SAVED

    cache.load("warm")
    medians = [
        tell("blocking miss", timed(lambda number: cache.load(f"none:{number}"))),
        tell("blocking hit", timed(lambda number: cache.load(key_of(READ_FROM + number)))),
        tell("blocking take_lease", timed(take)),
        tell("blocking save", timed(save)),
        tell("blocking free_lease", timed(lambda number: cache.free_lease(leases[number]))),
        tell("blocking bury", timed(lambda number: cache.bury(key_of(number), ttl_seconds=43_200))),
    ]
    cache.close()
    assert max(medians) < AT_MOST_MEDIAN_SECONDS


def test_awaitable_face(full_url: str) -> None:
    """In asyncio too; and of a thousand hits at once each is answered soon."""

    async def timed(work: Callable[[int], Awaitable[object]]) -> list[float]:
        seconds = []
        for number in range(CALLS):
            started = time.perf_counter()
            await work(number)
            seconds.append(time.perf_counter() - started)
        return seconds

    leases: list[Lease] = []
    cache = AsyncRedisCache(full_url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)

    async def take(number: int) -> None:
        lease = await cache.take_lease(key_of(CALLS + number), ttl_seconds=60)
        assert lease is not None
        leases.append(lease)

    async def save(number: int) -> None:
        lease = leases[number]
        await cache.save(lease.key, SEALED, version=2, ttl_seconds=43_200, create=False, lease=lease)

    async def main() -> list[float]:
        await cache.load("warm")
        medians = [
            tell("asyncio miss", await timed(lambda number: cache.load(f"none:{number}"))),
            tell("asyncio hit", await timed(lambda number: cache.load(key_of(READ_FROM + number)))),
            tell("asyncio take_lease", await timed(take)),
            tell("asyncio save", await timed(save)),
            tell("asyncio free_lease", await timed(lambda number: cache.free_lease(leases[number]))),
            tell("asyncio bury", await timed(lambda n: cache.bury(key_of(CALLS + n), ttl_seconds=43_200))),
        ]
        started = time.perf_counter()
        await asyncio.gather(*(cache.load(key_of(READ_FROM + number)) for number in range(CALLS)))
        sys.stdout.write(f"\nasyncio, {CALLS} hits at once: {(time.perf_counter() - started) * 1e3:.0f} ms in all\n")
        await cache.aclose()
        return medians

    assert max(asyncio.run(main())) < AT_MOST_MEDIAN_SECONDS


END_ALL = "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('PEXPIRE', key, ARGV[1]) end"


def test_expired_entries_are_removed(redis_server: RedisServer) -> None:
    """Redis itself removes what has ended, though nobody reads it again, and gives its memory back."""
    bytes_each = fill(redis_server.url, save_command, OTHERS)
    with admin(redis_server.url) as client:
        full = int(client.info("memory")["used_memory"])
        client.eval(END_ALL, 0, 500)
        started = time.monotonic()
        while client.dbsize() and time.monotonic() - started < 40:
            time.sleep(0.02)
        seconds = time.monotonic() - started - 0.5
        removed, freed = client.info("stats")["expired_keys"], full - int(client.info("memory")["used_memory"])
    sys.stdout.write(
        f"\n{removed} expired entries removed {seconds:.2f} s after they ended, {freed / OTHERS:.0f} bytes each\n"
    )
    assert (removed, freed > OTHERS * bytes_each * 0.9) == (OTHERS, True)
