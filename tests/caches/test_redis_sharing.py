"""One Redis and many threads, processes and forks."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from tests.caches.redis_kit import KEYS, NAMESPACE, fill, open_face
from tests.providers.redis_server import RedisServer

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
cache, fences, saved = RedisCache(sys.argv[1], namespace="test"), [], 0
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
cache = RedisCache(sys.argv[1], namespace="test")
outcomes = [cache.save("k", b"v", version=v, ttl_seconds=60, create=True).value for v in range(1, 301)]
print(outcomes.count("saved"))
"""
    command = [sys.executable, "-c", program.replace('"k"', '"raced"'), url]
    writers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    saved = sum(int(writer.communicate(timeout=50)[0]) for writer in writers)
    with open_face("blocking", url) as cache:
        last = cache.load("raced")
    assert (saved <= 300, last) == (True, Stored(b"v", 300))


@pytest.fixture
def busy(url: str) -> Iterator[RedisCache]:
    """Return a cache that other threads use all the time."""
    with open_face("blocking", url) as cache:
        assert isinstance(cache, RedisCache)
        over = threading.Event()

        def load() -> None:
            while not over.is_set():
                cache.load("k1")

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        yield cache
        over.set()
        for thread in threads:
            thread.join()


def in_fork(cache: RedisCache, number: int) -> bool:
    """Return whether a forked child gets the right answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads.
        child = os.fork()
    if child == 0:
        right = False
        try:
            right = all(
                cache.load(f"k{(number + at) % KEYS}") == Stored(b"v%d" % ((number + at) % KEYS), 1) for at in range(5)
            )
        finally:
            os._exit(0 if right else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_forks(busy: RedisCache) -> None:
    """A hundred forks beside busy threads: no child hangs, or shares a connection with its parent (T-CX-10)."""
    children = [in_fork(busy, number) for number in range(100)]
    assert (children, busy.load("k2")) == ([True] * 100, Stored(b"v2", 1))


def test_fork_leaves_the_parents_client(url: str) -> None:
    """A child makes a client of its own: a lock of the parent's may have been held by another thread at the fork."""
    with open_face("blocking", url) as cache:
        assert isinstance(cache, RedisCache)
        parents = cache._client()
        child = os.fork()
        if child == 0:
            os._exit(cache._client() is parents)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_fork_in_a_loop(url: str) -> None:
    """An awaitable face that was used before a fork works in the child and goes on in the parent."""

    async def main() -> tuple[int, Stored | None]:
        cache = AsyncRedisCache(url, namespace=NAMESPACE)
        await cache.load("k1")
        child = os.fork()
        if child == 0:
            right = False
            try:
                asyncio.events._set_running_loop(None)
                with asyncio.Runner() as runner:
                    right = runner.run(cache.load("k2")) == Stored(b"v2", 1)
            finally:
                os._exit(0 if right else 1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])  # noqa: ASYNC222 (the test has nothing else to do)
        got = await cache.load("k3")
        await cache.aclose()
        return code, got

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert asyncio.run(main()) == (0, Stored(b"v3", 1))
