"""Redis down, hanging, read-only, full, refusing, talking nonsense: CacheUnavailable, soon, and recovery."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import Cache, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.redis_kit import (
    OWN_FACES,
    SLOWNESS_SECONDS,
    TIMEOUT_SECONDS,
    admin,
    failure,
    frozen,
    kill,
    open_face,
    seconds_of,
)
from tests.providers.redis_server import RedisServer, find_redis_server

pytestmark = pytest.mark.redis


@pytest.fixture(params=OWN_FACES)
def face(request: pytest.FixtureRequest) -> str:
    """Return each face in turn."""
    return str(request.param)


@pytest.fixture
def cache(redis_server: RedisServer, face: str) -> Iterator[Cache]:
    """Return a patient cache on a Redis of this test's own, by each face."""
    with open_face(face, redis_server.url) as opened:
        yield opened


@pytest.fixture
def hasty(redis_server: RedisServer, face: str) -> Iterator[Cache]:
    """Return a cache with a short time-out on a Redis that holds something, by each face; it is connected."""
    with open_face("blocking", redis_server.url) as patient:
        save(patient)
    with open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as opened:
        seconds_until(lambda: opened.load("k"))
        yield opened


def save(cache: Cache, version: int = 1) -> SaveOutcome:
    """Save something."""
    return cache.save("k", b"v", version=version, ttl_seconds=60, create=True)


def seconds_until(works: Callable[[], object]) -> float:
    """Return how long it takes until ``works`` does, asked over and over as requests would."""
    started = time.monotonic()
    while time.monotonic() - started < 15:
        try:
            works()
        except CacheUnavailable:
            time.sleep(0.01)
        else:
            break
    return time.monotonic() - started


def test_down_at_start(redis_server: RedisServer, face: str) -> None:
    """A cache is made while Redis is down, fails at once, and works once Redis is up."""
    redis_server.stop()
    with open_face(face, redis_server.url) as cache:
        slowest = seconds_of(lambda: failure(lambda: cache.load("k")))
        redis_server.start()
        assert (slowest < SLOWNESS_SECONDS, seconds_until(lambda: save(cache)) < 2 + SLOWNESS_SECONDS) == (True, True)


def test_killed_and_restarted_empty(redis_server: RedisServer, cache: Cache) -> None:
    """After kill -9 and an empty restart entries are lost, and everything works again within two seconds."""
    save(cache)
    kill(redis_server)
    failure(lambda: cache.load("k"))
    redis_server.start()
    recovery = seconds_until(lambda: cache.load("k"))
    assert (recovery < 2 + SLOWNESS_SECONDS, cache.load("k"), save(cache)) == (True, None, SaveOutcome.SAVED)


def test_restarted_unnoticed(redis_server: RedisServer, cache: Cache) -> None:
    """Where Redis was restarted while nobody asked, the next call finds out by itself and works."""
    save(cache)
    kill(redis_server)
    redis_server.start()
    assert cache.load("k") is None


def test_restarted_with_what_it_held(tmp_path: Path, face: str) -> None:
    """With ``appendonly yes`` a Redis that crashed knows its tombstones again."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    with RedisServer(tmp_path, persistent=True) as server, open_face(face, server.url) as cache:
        cache.bury("k", ttl_seconds=60)
        kill(server)
        server.start()
        assert cache.load("k") == Stored(None, 0)


def test_connections_killed(redis_server: RedisServer, cache: Cache) -> None:
    """Connections that Redis closed are replaced without a failure."""
    save(cache)
    with admin(redis_server.url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert cache.load("k") == Stored(b"v", 1)


def test_hanging_is_bounded(redis_server: RedisServer, hasty: Cache) -> None:
    """A Redis that takes connections and answers nothing costs a call no more than the time-out."""
    with frozen(redis_server):
        slow = seconds_of(lambda: failure(lambda: hasty.load("k")))
    assert slow < TIMEOUT_SECONDS + SLOWNESS_SECONDS


def test_hanging_at_first_connection_is_bounded(redis_server: RedisServer, face: str) -> None:
    """So does one that hangs when the first connection is made."""
    with open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as cache, frozen(redis_server):
        slow = seconds_of(lambda: failure(lambda: cache.load("k")))
    assert slow < TIMEOUT_SECONDS + SLOWNESS_SECONDS


def test_outage_is_answered_at_once(redis_server: RedisServer, hasty: Cache) -> None:
    """While Redis hangs nearly every call is refused at once: nobody but those who find out waits."""
    with frozen(redis_server):
        failure(lambda: hasty.load("k"))
        times = sorted(seconds_of(lambda: failure(lambda: hasty.load("k"))) for _ in range(200))
    assert times[190] < TIMEOUT_SECONDS / 4


def test_default_timeout(redis_server: RedisServer, face: str) -> None:
    """With the time-out that is the default a call on a hanging Redis fails within a second."""
    with open_face(face, redis_server.url, timeout_seconds=1.0) as cache:
        seconds_until(lambda: cache.load("k"))
        with frozen(redis_server):
            assert seconds_of(lambda: failure(lambda: cache.load("k"))) < 1 + SLOWNESS_SECONDS


def test_hanging_and_back(redis_server: RedisServer, hasty: Cache) -> None:
    """A Redis that hung and goes on is used again within two seconds, with what it held."""
    got: list[Stored | None] = []
    with frozen(redis_server):
        failure(lambda: hasty.load("k"))
    recovery = seconds_until(lambda: got.append(hasty.load("k")))
    assert (recovery < 2 + SLOWNESS_SECONDS, got) == (True, [Stored(b"v", 1)])


def test_paused_for_writes(redis_server: RedisServer, hasty: Cache) -> None:
    """A save that Redis holds back is bounded too (CLIENT PAUSE)."""
    with admin(redis_server.url) as client:
        client.client_pause(30_000, all=False)
        slow = seconds_of(lambda: failure(lambda: save(hasty, 2)))
        client.client_unpause()
    assert slow < TIMEOUT_SECONDS + SLOWNESS_SECONDS


def test_many_threads_on_a_hanging_redis(redis_server: RedisServer, face: str) -> None:
    """More callers at once than there are connections: each is answered within the time-out, and recovery follows."""
    url = f"{redis_server.url}?max_connections=4"
    with open_face(face, url, timeout_seconds=TIMEOUT_SECONDS) as cache, ThreadPoolExecutor(20) as pool:
        seconds_until(lambda: cache.load("k"))
        with frozen(redis_server):
            calls = [pool.submit(lambda: seconds_of(lambda: failure(lambda: cache.load("k")))) for _ in range(20)]
            slowest = max(call.result() for call in calls)
        recovery = seconds_until(lambda: cache.load("k"))
    bounds = (slowest < 2 * TIMEOUT_SECONDS + SLOWNESS_SECONDS, recovery < 2 + SLOWNESS_SECONDS)
    assert bounds == (True, True)


def test_more_callers_than_connections(redis_server: RedisServer, face: str) -> None:
    """Callers that find no connection free wait for one."""
    with open_face(face, f"{redis_server.url}?max_connections=2") as cache, ThreadPoolExecutor(20) as pool:
        save(cache)
        assert set(pool.map(lambda _: cache.load("k"), range(400))) == {Stored(b"v", 1)}


def test_read_only(redis_server: RedisServer, cache: Cache) -> None:
    """A replica refuses writes and is read all the same; once it is a primary, writes go through at once."""
    save(cache)
    with admin(redis_server.url) as client:
        client.replicaof("127.0.0.1", "1")
        words = failure(lambda: save(cache, 2))
        read = cache.load("k")
        client.replicaof("NO", "ONE")
        after = save(cache, 2)
    assert ("read-only" in words, read, after) == (True, Stored(b"v", 1), SaveOutcome.SAVED)


def test_read_only_gets_a_new_connection(redis_server: RedisServer, cache: Cache) -> None:
    """After a refused write connections are made anew: the address may by now lead to another primary."""
    save(cache)
    with admin(redis_server.url) as client:
        client.replicaof("127.0.0.1", "1")
        before = {c["id"] for c in client.client_list(_type="normal")}
        failure(lambda: save(cache, 2))
        cache.load("k")
        own = str(client.client_id())
        assert before & {c["id"] for c in client.client_list(_type="normal")} == {own}


def test_memory_full(redis_server: RedisServer, cache: Cache) -> None:
    """A full Redis refuses writes, still reads and gives leases up, and recovers at once."""
    save(cache)
    lease = cache.take_lease("k", ttl_seconds=60)
    assert lease is not None
    with admin(redis_server.url) as client:
        client.config_set("maxmemory", "1")
        words = [failure(lambda: save(cache, 2)), failure(lambda: cache.bury("k", ttl_seconds=1))]
        words.append(failure(lambda: cache.take_lease("l", ttl_seconds=1)))
        cache.free_lease(lease)
        read = cache.load("k")
        client.config_set("maxmemory", "0")
    retaken = cache.take_lease("k", ttl_seconds=1)
    assert (all("memory is full" in word for word in words), read, retaken is not None) == (True, Stored(b"v", 1), True)


def test_unknown_host(face: str) -> None:
    """A host that nobody knows makes the cache unavailable."""
    with open_face(face, "redis://nowhere.invalid/0") as cache:
        assert "Redis is unavailable" in failure(lambda: cache.load("k"))


def test_nothing_listens(face: str) -> None:
    """What the system says of a refused connection is told; the password is not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with open_face(face, f"redis://:S3CR3T@127.0.0.1:{port}/0") as cache:
        words = failure(lambda: cache.load("k"))
        assert ("refused" in words, "S3CR3T" in words) == (True, False)


def test_tells_it_in_short(redis_server: RedisServer, cache: Cache) -> None:
    """The failure carries no chain of redis-py's errors into the log: their words may hold parts of a command."""
    redis_server.stop()
    with pytest.raises(CacheUnavailable) as failed:
        cache.load("k")
    assert (failed.value.__cause__, failed.value.__context__) == (None, None)
