"""Failovers of Redis under load: sentinels and clusters make a replica the primary, and people hardly see it."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis.crc import key_slot

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry
from fotoweb_middleware.stores.redis import RedisStore
from tests.providers.redis_roles import RedisCluster, ReplicatedRedis, is_in_line, until
from tests.providers.redis_server import RedisServer, admin, find_redis_server, kill
from tests.stress.outage_kit import TOKEN_SECONDS, Case, opened_cases, together, until_back

pytestmark = pytest.mark.redis

ROLES = ("sentinel", "cluster")
THREADS = 8
LONGEST_CALL_SECONDS = 4.5
"""A store is waited for two seconds at most; a machine that is busy takes longer for everything."""


@pytest.fixture(params=ROLES)
def replicated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReplicatedRedis | RedisCluster]:
    """Run a primary with a replica and three sentinels, and a cluster of three primaries with a replica each."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    kind = ReplicatedRedis(tmp_path) if request.param == "sentinel" else RedisCluster(tmp_path, replicas=True)
    with kind as running:
        yield running


def primary_of(running: ReplicatedRedis | RedisCluster, key: str) -> RedisServer:
    """Return the server that has a key."""
    if isinstance(running, ReplicatedRedis):
        return running.primary()
    return running.nodes[key_slot(key.encode()) * 3 // 16_384]


def is_over(running: ReplicatedRedis | RedisCluster, dead: RedisServer) -> bool:
    """Return whether a replica has taken a dead primary's place."""
    if isinstance(running, ReplicatedRedis):
        port = running.servers[1 - running.servers.index(dead)].port
        return all(running.ask_sentinel(sentinel)["port"] == port for sentinel in running.sentinel_ports)
    return all(running.is_whole(node) for node in running.nodes if node is not dead)


@dataclass
class Load:
    """Threads that use a store all the time: a lock, a save under it, a look-up, a use that counts once."""

    store: RedisStore
    over: threading.Event = field(default_factory=threading.Event)
    failures: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    longest_seconds: float = 0

    def work(self) -> None:
        """Use the store until the load is over."""
        while not self.over.is_set():
            key, started = secrets.token_hex(4), time.monotonic()
            try:
                self.use(key)
            except StoreUnavailable as error:
                self.failures.add(str(error))
                time.sleep(0.01)
            except Exception as error:  # noqa: BLE001 (told by the test)
                self.wrong.append(repr(error))
            self.longest_seconds = max(self.longest_seconds, (time.monotonic() - started) / 4)

    def use(self, key: str) -> None:
        """Make four calls."""
        lock = self.store.acquire_lock(key, ttl_seconds=60)
        saved = self.store.save(key, b"v", version=1, ttl_seconds=60, create=True, lock=lock)
        loaded = self.store.load(key)
        once = self.store.use_once(key, ttl_seconds=60)
        # What was saved a moment ago may be lost in a failover, and nothing else may come of these.
        if lock is None or saved is not SaveOutcome.SAVED or loaded not in {None, StoredEntry(b"v", 1)} or not once:
            self.wrong.append(f"{lock} {saved} {loaded} {once}")


@contextlib.contextmanager
def under_load(address: str) -> Iterator[Load]:
    """Use a store in several threads meanwhile."""
    store = RedisStore(address)
    load = Load(store)
    threads = [threading.Thread(target=load.work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.over.set()
        for thread in threads:
            thread.join(30)
        store.close()


def test_failover(replicated: ReplicatedRedis | RedisCluster) -> None:
    """Every call ends in time, with its answer or StoreUnavailable, and what was there before is there afterwards."""
    store = RedisStore(replicated.address)
    store.revoke("gone", ttl_seconds=600)
    store.save("kept", b"v", version=3, ttl_seconds=600, create=True)
    with under_load(replicated.address) as load:
        time.sleep(1)  # Until the replica has it too.
        quiet = set(load.failures)
        dead = primary_of(replicated, "gone")
        kill(dead)
        until(lambda: is_over(replicated, dead))
        until(lambda: store.load("gone") == StoredEntry(None, 0))
        until(lambda: store.load("kept") == StoredEntry(b"v", 3))
        until(lambda: store.save("gone", b"v", version=9, ttl_seconds=60, create=True) is SaveOutcome.REVOKED)
        time.sleep(2)  # Longer than the pause after a failure.
        load.failures.clear()
        time.sleep(1)
        afterwards = set(load.failures)
    store.close()
    assert (quiet, afterwards, load.wrong) == (set(), set(), [])
    assert load.longest_seconds < LONGEST_CALL_SECONDS


def test_what_people_see(replicated: ReplicatedRedis | RedisCluster, tmp_path: Path) -> None:
    """Sealed mode sees nothing of it, reference mode 503 at most; each session goes on, and is refreshed once."""
    with opened_cases(replicated.address, tmp_path) as cases:
        time.sleep(1)  # Until the replica has all of the logins.
        seen: dict[str, set[int]] = {str(case): set() for case in cases}

        def ask() -> None:
            for name, status in together(cases, lambda case: case.member.get("/").status).items():
                seen[name].add(status)

        def is_over_by_now() -> bool:
            ask()
            return is_over(replicated, dead)

        with under_load(replicated.address):
            dead = primary_of(replicated, "any")
            kill(dead)
            ask()
            cases[0].here.clock.advance(TOKEN_SECONDS + 1)
            until(is_over_by_now)
        until_back(cases)
        after = together(cases, Case.aftermath)
    assert set(after.values()) == {200}
    for case in cases:
        assert seen[str(case)] <= ({200} if case.mode == "sealed" else {200, 503})


def test_old_primary_comes_back(replicated: ReplicatedRedis | RedisCluster) -> None:
    """The old primary comes back as a replica, and nothing is written to it."""
    store = RedisStore(replicated.address)
    dead = primary_of(replicated, "gone")
    kill(dead)
    until(lambda: is_over(replicated, dead))
    until(lambda: store.load("gone") is None)
    store.revoke("gone", ttl_seconds=600)
    dead.start()
    with admin(dead.url) as client:
        until(lambda: client.info("replication")["role"] == "slave" and is_in_line(client))
    loaded, saved = store.load("gone"), store.save("gone", b"v", version=1, ttl_seconds=60, create=True)
    store.close()

    assert (loaded, saved) == (StoredEntry(None, 0), SaveOutcome.REVOKED)


def test_node_lost(tmp_path: Path) -> None:
    """A cluster that misses a primary is down, and told as such; once that is back everything works."""
    there, lost = "k3", "k0"
    with RedisCluster(tmp_path) as cluster:
        store = RedisStore(cluster.address)
        dead = primary_of(cluster, lost)
        assert primary_of(cluster, there) is not dead
        store.load(lost)
        kill(dead)
        with pytest.raises(StoreUnavailable, match=f"node 127.0.0.1:{dead.port}: connection refused"):
            store.load(lost)

        def is_known_down() -> bool:
            try:
                return store.load(there) is not None  # At first what is there is served all the same.
            except StoreUnavailable as error:
                return "its cluster is down" in str(error)

        until(is_known_down)
        with pytest.raises(StoreUnavailable, match="was out of reach a moment ago"):
            store.load(there)
        dead.start()
        until(lambda: store.load(there) is store.load(lost) is None)
        store.close()
