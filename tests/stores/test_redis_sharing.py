"""One Redis and many threads, processes and forks."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from fotoweb_middleware.stores.base import StoredEntry
from tests.providers.forking import forked, insist, repeated_elsewhere, run_trial
from tests.providers.redis_server import RedisServer
from tests.stores.redis_kit import open_store

pytestmark = pytest.mark.redis

KEYS = 50
FORKS = 50
ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(redis_server: RedisServer) -> str:
    """Return the address of a Redis that holds v0 under k0 and so on."""
    with open_store(redis_server.url) as store:
        for number in range(KEYS):
            store.save(f"k{number}", b"v%d" % number, version=1, ttl_seconds=600, create=True)
    return redis_server.url


def test_many_threads(url: str) -> None:
    """Twenty threads that read at once each get their own answers."""
    with open_store(url) as store, ThreadPoolExecutor(20) as pool:
        loaded = list(pool.map(lambda call: store.load(f"k{call % KEYS}"), range(2000)))
    assert loaded == [StoredEntry(b"v%d" % (call % KEYS), 1) for call in range(2000)]


WORKER = """
import json, sys, time
from fotoweb_middleware.stores.base import SaveOutcome
from fotoweb_middleware.stores.redis import RedisStore
store, fences, used = RedisStore(sys.argv[1], namespace="test", timeout_seconds=20), [], 0
for number in range(100):
    used += store.use_once(f"state{number}", ttl_seconds=60)
while len(fences) < 50:
    lock = store.acquire_lock("shared", ttl_seconds=60)
    if lock is None:
        time.sleep(0.0005)
        continue
    stored = store.load("shared")
    count, version = (int(stored.value), stored.version) if stored else (0, 0)
    value = b"%d" % (count + 1)
    outcome = store.save("shared", value, version=version + 1, ttl_seconds=60, create=True, lock=lock)
    assert outcome is SaveOutcome.SAVED
    fences.append(lock.fence)
    store.release_lock(lock)
print(json.dumps([used, fences]))
"""


def test_many_processes(url: str) -> None:
    """Three processes count under a lock: no count is lost, no fence given twice, and nothing is used twice."""
    command = [sys.executable, "-c", WORKER, url]
    workers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    results = [json.loads(worker.communicate(timeout=50)[0]) for worker in workers]
    with open_store(url) as store:
        counted = store.load("shared")
    together = [fence for _, fences in results for fence in fences]
    in_order = all(fences == sorted(fences) for _, fences in results)
    assert (counted, len(set(together)), in_order) == (StoredEntry(b"150", 150), 150, True)
    assert sum(used for used, _ in results) == 100


def try_forks(url: str) -> None:
    """Fork again and again beside threads that use the store all the time; each child uses it too."""
    with open_store(url) as store:

        def look(number: int) -> None:
            for key in range(number, number + 5):
                insist(store.load(f"k{key % KEYS}") == StoredEntry(b"v%d" % (key % KEYS), 1))

        with repeated_elsewhere(*[partial(store.load, "k1")] * 3):
            for number in range(FORKS):
                forked(partial(look, number))
        look(2)


def test_forks(url: str) -> None:
    """Forks beside busy threads: no child hangs, and none shares a connection with its parent (T-CX-10)."""
    run_trial(try_forks, url)
