"""One Redis and many threads, processes and forks."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from tests.caches.redis_kit import KEYS, NAMESPACE, PATIENT_SECONDS, fill, open_face
from tests.drivers.forking import forked, insist, repeated_elsewhere, run_trial
from tests.providers.redis_server import RedisServer

FORKS = 200
pytestmark = pytest.mark.redis

ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(redis_server: RedisServer) -> str:
    """Return the address of a Redis that holds a value under each of some keys."""
    fill(redis_server.url)
    return redis_server.url


def test_many_threads(url: str) -> None:
    """Twenty threads that read at once each get their own answers."""
    with open_face("blocking", url) as cache, ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda call: cache.load(f"k{call % KEYS}"), range(4000)))
    assert got == [Stored(b"v%d" % (call % KEYS), 1) for call in range(4000)]


WORKER = """
import json, sys, time
from fotoweb_middleware.caches.redis import RedisCache
from fotoweb_middleware.caches.protocol import SaveOutcome
cache, fences, saved = RedisCache(sys.argv[1], namespace="test", timeout_seconds=20), [], 0
ends_at = time.monotonic() + 20
while saved < 50 and time.monotonic() < ends_at:
    lease = cache.take_lease("shared", ttl_seconds=10)
    if lease is None:
        time.sleep(0.0005)
        continue
    fences.append(lease.fence)
    stored = cache.load("shared")
    count, version = (int(stored.value), stored.version) if stored else (0, 0)
    value = b"%d" % (count + 1)
    outcome = cache.save("shared", value, version=version + 1, ttl_seconds=60, create=True, lease=lease)
    saved += outcome is SaveOutcome.SAVED
    cache.free_lease(lease)
print(json.dumps(fences))
"""


def test_many_processes(url: str) -> None:
    """Four processes count under a lease: no count is lost, and no fence is given twice."""
    command = [sys.executable, "-c", WORKER, url]
    workers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    fences: list[list[int]] = [json.loads(worker.communicate(timeout=50)[0]) for worker in workers]
    with open_face("blocking", url) as cache:
        counted = cache.load("shared")
    together = [fence for own in fences for fence in own]
    in_order = all(own == sorted(own) for own in fences)
    assert (counted, len(set(together)), in_order) == (Stored(b"200", 200), 200, True)


def test_each_version_once_over_processes(url: str) -> None:
    """Four processes write the same versions at once: each version is saved by one."""
    program = """
import sys
from fotoweb_middleware.caches.redis import RedisCache
cache = RedisCache(sys.argv[1], namespace="test", timeout_seconds=20)
outcomes = [cache.save("k", b"v", version=v, ttl_seconds=60, create=True).value for v in range(1, 301)]
print(outcomes.count("saved"))
"""
    command = [sys.executable, "-c", program.replace('"k"', '"raced"'), url]
    writers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    saved = sum(int(writer.communicate(timeout=50)[0]) for writer in writers)
    with open_face("blocking", url) as cache:
        last = cache.load("raced")
    assert (saved <= 300, last) == (True, Stored(b"v", 300))


def try_forks(url: str) -> None:
    """Fork again and again beside threads that use the cache all the time; each child uses it too."""
    with open_face("blocking", url) as cache:
        assert isinstance(cache, RedisCache)

        def look(number: int) -> None:
            insist(
                *(cache.load(f"k{key % KEYS}") == Stored(b"v%d" % (key % KEYS), 1) for key in range(number, number + 5))
            )

        with repeated_elsewhere(*[lambda: cache.load("k1")] * 3):
            for number in range(FORKS):
                forked(partial(look, number))
        look(2)


def test_forks(url: str) -> None:
    """Two hundred forks beside busy threads: no child hangs, or shares a connection with its parent (T-CX-10)."""
    run_trial(try_forks, url)


def test_fork_leaves_the_parents_client(url: str) -> None:
    """A child makes a client of its own: a lock of the parent's may have been held by another thread at the fork."""
    with open_face("blocking", url) as cache:
        assert isinstance(cache, RedisCache)
        parents = cache._hold()
        forked(lambda: insist(cache._hold() is not parents))


def test_fork_in_a_loop(url: str) -> None:
    """An awaitable face that was used before a fork works in the child and goes on in the parent."""

    async def main() -> Stored | None:
        cache = AsyncRedisCache(url, namespace=NAMESPACE, timeout_seconds=PATIENT_SECONDS)

        def load_in_child() -> None:
            asyncio.events._set_running_loop(None)
            with asyncio.Runner() as runner:
                insist(runner.run(cache.load("k2")) == Stored(b"v2", 1))

        await cache.load("k1")
        forked(load_in_child)
        got = await cache.load("k3")
        await cache.aclose()
        return got

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert asyncio.run(main()) == Stored(b"v3", 1)
