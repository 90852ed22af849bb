"""Redis down, hanging, restarted, read-only, full: StoreUnavailable, one line in the log, and recovery by itself."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry
from fotoweb_middleware.stores.monitored import MonitoredStore
from fotoweb_middleware.stores.redis import RedisStore
from fotoweb_middleware.testing import FakeClock
from tests.providers.redis_server import RedisServer, find_redis_server, full, killed, other_password
from tests.stores.redis_kit import (
    NAMESPACE,
    PATIENT_SECONDS,
    SHORT_SECONDS,
    admin,
    failure,
    free_port,
    frozen,
    kill,
    open_store,
    speaking,
)

pytestmark = pytest.mark.redis

AFTER_THE_PAUSE = 1.1
"""When the breaker lets the next call through."""


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock of the breaker and the log."""
    return FakeClock()


@pytest.fixture
def store(redis_server: RedisServer, clock: FakeClock) -> Iterator[RedisStore]:
    """Return a patient store on a Redis of this test's own."""
    with open_store(redis_server.url, monotonic=clock) as opened:
        yield opened


@pytest.fixture
def hasty(redis_server: RedisServer, clock: FakeClock) -> Iterator[RedisStore]:
    """Return a store with a short time-out."""
    with open_store(redis_server.url, monotonic=clock, timeout_seconds=SHORT_SECONDS) as opened:
        yield opened


def save(store: Store, version: int = 1) -> SaveOutcome:
    """Save something."""
    return store.save("k", b"v", version=version, ttl_seconds=60, create=True)


def insist(call: Callable[[], object], clock: FakeClock) -> object:
    """Return what a call gives once it works, asked again and again as requests would: a busy machine may be slow."""
    for _ in range(100):
        clock.advance(PATIENT_SECONDS)
        with contextlib.suppress(StoreUnavailable):
            return call()
    return call()


def test_down_at_start(redis_server: RedisServer, store: RedisStore, clock: FakeClock) -> None:
    """A store is made while Redis is down, and works once Redis is up."""
    redis_server.stop()
    words = failure(lambda: store.load("k"))
    redis_server.start()
    clock.advance(AFTER_THE_PAUSE)
    assert ("connection refused" in words, save(store)) == (True, SaveOutcome.SAVED)


def test_killed_and_restarted_empty(redis_server: RedisServer, store: RedisStore, clock: FakeClock) -> None:
    """After a crash and an empty restart entries are lost, and everything works again."""
    save(store)
    kill(redis_server)
    failure(lambda: store.load("k"))
    redis_server.start()
    clock.advance(AFTER_THE_PAUSE)
    assert (store.load("k"), save(store)) == (None, SaveOutcome.SAVED)


def test_restarted_unnoticed(redis_server: RedisServer, store: RedisStore) -> None:
    """Where Redis was restarted while nobody asked, the next call works: idle connections are looked at before use."""
    save(store)
    kill(redis_server)
    redis_server.start()
    assert (store.load("k"), save(store)) == (None, SaveOutcome.SAVED)


def test_connections_killed(redis_server: RedisServer, store: RedisStore) -> None:
    """Connections that Redis closed are replaced without a failure."""
    save(store)
    with admin(redis_server.url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert store.load("k") == StoredEntry(b"v", 1)


def test_restarted_with_what_it_held(tmp_path: Path) -> None:
    """With ``appendonly yes`` a Redis that crashed knows its revocations again."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    with RedisServer(tmp_path, persistent=True) as server, open_store(server.url) as store:
        store.revoke("k", ttl_seconds=60)
        kill(server)
        server.start()
        assert store.load("k") == StoredEntry(None, 0)


def test_hanging_and_back(redis_server: RedisServer, hasty: RedisStore, clock: FakeClock) -> None:
    """A Redis that takes connections and answers nothing costs a time-out; back again, it is used as before."""
    insist(lambda: save(hasty), clock)
    with frozen(redis_server):
        words = failure(lambda: hasty.load("k"))
    assert ("no answer in time" in words, insist(lambda: hasty.load("k"), clock)) == (True, StoredEntry(b"v", 1))


def test_lock_that_nobody_waits_for(redis_server: RedisServer, hasty: RedisStore, clock: FakeClock) -> None:
    """A lock that Redis grants once it goes on, to somebody who has given up, is free as soon as something works."""
    store = MonitoredStore(hasty, clock)
    insist(lambda: store.acquire_lock("k2", ttl_seconds=60), clock)  # Redis now knows the script.
    with frozen(redis_server):
        failure(lambda: store.acquire_lock("k", ttl_seconds=60))
        failure(lambda: store.load("k"))
    with admin(redis_server.url) as client:
        was_granted = client.exists(f"{NAMESPACE}:{{k}}:lock")
    insist(lambda: store.load("k"), clock)

    assert (was_granted, insist(lambda: store.acquire_lock("k", ttl_seconds=60), clock) is not None) == (1, True)


def test_held_back(redis_server: RedisServer, hasty: RedisStore, clock: FakeClock) -> None:
    """A save that Redis holds back (CLIENT PAUSE) is given up."""
    insist(lambda: hasty.load("k"), clock)
    with admin(redis_server.url) as client:
        client.client_pause(50_000)
        words = failure(lambda: save(hasty))
    assert "no answer in time" in words


def test_more_callers_than_connections(redis_server: RedisServer) -> None:
    """Callers that find no connection free wait for one."""
    with open_store(f"{redis_server.url}?max_connections=2") as store, ThreadPoolExecutor(20) as pool:
        save(store)
        assert set(pool.map(lambda _: store.load("k"), range(400))) == {StoredEntry(b"v", 1)}


def test_no_connection_free(redis_server: RedisServer, clock: FakeClock) -> None:
    """Where none gets free in time, that is told as such, and is no outage."""
    url = f"{redis_server.url}?max_connections=1"
    with open_store(url, timeout_seconds=SHORT_SECONDS, monotonic=clock) as store:
        pool = store._get_client().connection_pool
        taken = pool.pool.get()
        words, is_outage = failure(lambda: store.load("k")), store._is_down
        pool.pool.put(taken)
        works = insist(lambda: store.load("k"), clock) is None
    assert ("too many calls at once" in words, is_outage, works) == (True, False, True)


def test_nobody_waits_after_a_failure(redis_server: RedisServer, store: RedisStore, clock: FakeClock) -> None:
    """For a second after a failure calls fail without Redis being asked; then it is asked again."""
    redis_server.stop()
    failure(lambda: store.load("k"))
    redis_server.start()
    clock.advance(0.9)
    words = failure(lambda: store.load("k"))
    clock.advance(0.2)
    assert (
        "was out of reach a moment ago and has not been asked again: connection refused; start" in words,
        store.load("k"),
    ) == (True, None)


def test_revocation_is_tried(redis_server: RedisServer, store: RedisStore) -> None:
    """A revocation is tried at once all the same, and where it works everything else does."""
    redis_server.stop()
    failure(lambda: store.load("k"))
    words = failure(lambda: store.revoke("k", ttl_seconds=60))
    redis_server.start()
    store.revoke("k", ttl_seconds=60)
    assert ("connection refused" in words, store.load("k")) == (True, StoredEntry(None, 0))


def test_one_finds_out(redis_server: RedisServer, store: RedisStore, clock: FakeClock) -> None:
    """After the pause one call is let through, and others don't wait with it."""
    redis_server.stop()
    failure(lambda: store.load("k"))
    redis_server.start()
    clock.advance(AFTER_THE_PAUSE)
    meanwhile = store._call(lambda _: failure(lambda: store.load("k")))
    assert ("a moment ago" in meanwhile, store.load("k")) == (True, None)


def test_many_threads_on_a_hanging_redis(redis_server: RedisServer, hasty: RedisStore, clock: FakeClock) -> None:
    """However many threads ask a Redis that hangs, all are told, and recovery follows."""
    insist(lambda: save(hasty), clock)
    with frozen(redis_server), ThreadPoolExecutor(40) as pool:
        words = list(pool.map(lambda _: failure(lambda: hasty.load("k")), range(400)))
    refused_at_once = [text for text in words if "a moment ago" in text]
    assert (len(refused_at_once) > 300, insist(lambda: hasty.load("k"), clock)) == (True, StoredEntry(b"v", 1))


def test_read_only(redis_server: RedisServer, store: RedisStore) -> None:
    """A replica refuses writes and is read all the same; once it is the primary, writes go through."""
    save(store)
    with admin(redis_server.url) as client:
        client.replicaof("127.0.0.1", "1")
        words = [failure(lambda: save(store, 2)), failure(lambda: store.use_once("k", ttl_seconds=60))]
        read = store.load("k")
        client.replicaof("NO", "ONE")
    assert all("read-only replica" in text for text in words)
    assert (read, save(store, 2)) == (StoredEntry(b"v", 1), SaveOutcome.SAVED)


def test_read_only_makes_new_connections(redis_server: RedisServer, store: RedisStore) -> None:
    """After a refused write connections are made anew: the address may lead to another primary by now."""
    save(store)
    with admin(redis_server.url) as client:
        client.replicaof("127.0.0.1", "1")
        before = {entry["id"] for entry in client.client_list(_type="normal")}
        failure(lambda: save(store, 2))
        store.load("k")
        after = {entry["id"] for entry in client.client_list(_type="normal")}
        assert before & after == {str(client.client_id())}


def test_full(redis_server: RedisServer, store: RedisStore) -> None:
    """A full Redis refuses writes, reads, gives locks up, and works as soon as there is room."""
    save(store)
    lock = store.acquire_lock("k", ttl_seconds=60)
    assert lock is not None
    with admin(redis_server.url) as client:
        client.config_set("maxmemory", "1")
        words = [failure(lambda: save(store, 2)), failure(lambda: store.revoke("k", ttl_seconds=1))]
        words += [failure(lambda: store.acquire_lock("l", ttl_seconds=1))]
        words += [failure(lambda: store.use_once("m", ttl_seconds=1))]
        store.release_lock(lock)
        read = store.load("k")
        client.config_set("maxmemory", "0")
    assert all("its memory is full (maxmemory); make room" in text for text in words)
    assert (read, store.acquire_lock("k", ttl_seconds=1) is not None) == (StoredEntry(b"v", 1), True)


FAULTS: dict[str, tuple[Callable[[RedisServer], AbstractContextManager[None]], str]] = {
    "killed": (killed, "connection refused"),
    "password": (other_password, "it refuses the user and password in FOTOWEB_CACHE"),
    "full": (full, "its memory is full (maxmemory)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_two_lines(
    redis_server: RedisServer, store: RedisStore, clock: FakeClock, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """However many calls of however many threads fail, the log has one line when it begins and one when it is over."""
    inflict, cause = FAULTS[fault]
    monitored = MonitoredStore(store, clock)

    def ask(number: int) -> None:
        with contextlib.suppress(StoreUnavailable):
            clock.advance(AFTER_THE_PAUSE)
            monitored.load(f"k{number}")
            monitored.save(f"k{number}", b"v", version=1, ttl_seconds=60, create=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
        with inflict(redis_server):
            list(pool.map(ask, range(100, 200)))
        lines = list(caplog.messages)
    for number in range(200, 203):
        ask(number)
    first, last = caplog.messages
    assert (len(lines), cause in first, " after " in last) == (1, True, True)
    assert {record.name for record in caplog.records} == {"fotoweb_middleware"}


def test_no_secret(redis_server: RedisServer) -> None:
    """Neither user, password nor options are in what is raised, nor does redis-py's error come along."""
    with admin(redis_server.url) as client:
        client.config_set("requirepass", "right")
    url = redis_server.url.replace("//", "//S3CR3T:S3CR3T@") + "?client_name=S3CR3T"
    with open_store(url) as store, pytest.raises(StoreUnavailable) as failed:
        store.load("k")
    kept = (failed.value.__cause__, failed.value.__context__)
    frames = [entry.frame.f_locals for entry in failed.traceback[1:]]
    assert ("S3CR3T" in f"{failed.value!r} {frames}", kept) == (False, (None, None))


def test_wrong_port() -> None:
    """A server that says nothing may be another one: the line says what to look at."""

    def keep_silent(peer: socket.socket) -> None:
        peer.recv(4096)

    with speaking(keep_silent) as url, open_store(url, timeout_seconds=SHORT_SECONDS) as store:
        assert "port and scheme (redis:// or rediss://)" in failure(lambda: store.load("k"))


def test_nothing_listens() -> None:
    """The place is named as the address has it."""
    port = free_port()
    with open_store(f"redis://:S3CR3T@127.0.0.1:{port}/3") as store:
        assert failure(lambda: store.load("k")).startswith(f"Redis at 127.0.0.1:{port}/3: connection refused; ")
