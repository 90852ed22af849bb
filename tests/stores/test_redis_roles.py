"""``redis+sentinel://`` and ``redis+cluster://`` keep every promise of a store; failovers are in ``tests/stress``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from fotoweb_middleware.stores import redis as redis_store
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.store_contract import OutageContract, SharedStoreContract, StoreContract, StoreTrial
from tests.providers.redis_roles import SERVICE, RedisCluster, ReplicatedRedis, until
from tests.providers.redis_server import RedisServer, admin, find_redis_server, frozen, kill, turn_clock
from tests.stores.redis_kit import SHORT_SECONDS, failure, free_port, open_store

pytestmark = pytest.mark.redis

AFTER_THE_PAUSE = 1.1
ROLES = ("sentinel", "cluster")
PERMISSIONS = {
    "sentinel": "+get +getrange +set +del +scan +evalsha +script|load +select",
    "cluster": "+get +getrange +set +del +scan +evalsha +script|load +cluster|slots +command +asking",
}
"""What the how-to page tells operators to grant."""


@dataclass(frozen=True)
class Rig:
    """Redis in a role: its address, and the servers that hold data."""

    address: str
    servers: list[RedisServer]


@contextlib.contextmanager
def started(role: str, folder: Path, certificate: Path | None = None) -> Iterator[Rig]:
    """Start a primary with one sentinel, or a cluster of three nodes."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    if role == "sentinel":
        with ReplicatedRedis(folder, sentinels=1, replicas=0, certificate=certificate) as replicated:
            yield Rig(replicated.address, replicated.servers)
    else:
        with RedisCluster(folder, certificate=certificate) as cluster:
            yield Rig(cluster.address, cluster.nodes)


@pytest.fixture(scope="module")
def running_sentinel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run a primary with a sentinel for all tests of this module."""
    with started("sentinel", tmp_path_factory.mktemp("redis")) as rig:
        yield rig


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run a cluster for all tests of this module."""
    with started("cluster", tmp_path_factory.mktemp("redis")) as rig:
        yield rig


def emptied(rig: Rig) -> Rig:
    """Empty all servers."""
    for server in rig.servers:
        with admin(server.url) as client:
            client.flushall()
    return rig


@pytest.fixture
def sentinel_rig(running_sentinel: Rig) -> Rig:
    """Return an empty primary with its sentinel."""
    return emptied(running_sentinel)


@pytest.fixture
def cluster_rig(running_cluster: Rig) -> Rig:
    """Return an empty cluster."""
    return emptied(running_cluster)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    """Name the role."""
    name: str = request.param
    return name


@pytest.fixture
def rig(role: str, request: pytest.FixtureRequest) -> Rig:
    """Return an empty Redis in this role."""
    rig: Rig = request.getfixturevalue(f"{role}_rig")
    return rig


class TestContract(StoreContract, SharedStoreContract):
    """All promises, in both roles; another process is another store, with connections of its own."""

    @pytest.fixture
    def trial(self, rig: Rig) -> Iterator[StoreTrial]:
        """Return an empty store and what turns the clock of all servers."""
        turns = [turn_clock(server.url) for server in rig.servers]

        def advance(seconds: float) -> None:
            for turn in turns:
                turn(seconds)

        with open_store(rig.address) as store:
            yield StoreTrial(store, advance)

    @pytest.fixture
    def elsewhere(self, rig: Rig, trial: StoreTrial) -> Iterator[Store]:
        """Return the store as another process opens it."""
        with open_store(rig.address) as opened:
            yield opened


class TestOutage(OutageContract):
    """Nothing listens at either address."""

    @pytest.fixture
    def out_of_reach(self, role: str) -> Iterator[Store]:
        """Return a store whose sentinels or nodes are not there."""
        hosts = f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"
        with open_store(f"redis+{role}://{hosts}{f'/{SERVICE}' if role == 'sentinel' else ''}") as opened:
            yield opened


def save(store: Store, version: int = 1) -> SaveOutcome:
    """Save something."""
    return store.save("k", b"v", version=version, ttl_seconds=60, create=True)


def told(address: str, **options: float) -> str:
    """Return the words of the failure that a look-up must end in."""
    with open_store(address, **options) as store:
        return failure(lambda: store.load("k"))


# ------------------------------------------------------------------------------------------------------ what is missing


def test_unknown_service(sentinel_rig: Rig) -> None:
    """A service that the sentinels don't know is told as such."""
    address = sentinel_rig.address.replace(SERVICE, "other")

    assert "'other' of the sentinels 127.0.0.1:" in told(address)
    assert "the sentinels know no service of this name" in told(address)


def test_no_sentinel_there() -> None:
    """Where no sentinel answers, it is not the primary's fault."""
    words = told(f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/{SERVICE}")

    assert "no sentinel can be asked: connection refused" in words


def test_first_sentinel_away(sentinel_rig: Rig) -> None:
    """Another sentinel of the address is asked."""
    address = sentinel_rig.address.replace("//", f"//127.0.0.1:{free_port()},")
    with open_store(address) as store:
        assert store.load("k") is None


def test_redis_instead_of_sentinel(sentinel_rig: Rig) -> None:
    """The port of a Redis where a sentinel's should be is told as such."""
    words = told(f"redis+sentinel://127.0.0.1:{sentinel_rig.servers[0].port}/{SERVICE}")

    assert "it is no sentinel" in words


def test_no_primary(tmp_path: Path) -> None:
    """A primary that is down is told as such; once it is back it is found, after the pause."""
    clock = FakeClock()
    with started("sentinel", tmp_path) as rig, open_store(rig.address, monotonic=clock) as store:
        save(store)
        kill(rig.servers[0])
        refused = failure(lambda: store.load("k"))
        meanwhile = failure(lambda: store.load("k"))

        def is_known_down() -> bool:
            clock.advance(AFTER_THE_PAUSE)
            return "the sentinels know of no primary that is up" in failure(lambda: store.load("k"))

        until(is_known_down)
        rig.servers[0].start()

        def is_back() -> bool:
            clock.advance(AFTER_THE_PAUSE)
            return save(store, 2) is SaveOutcome.SAVED

        until(is_back)
    assert ("connection refused" in refused, "a moment ago" in meanwhile) == (True, True)


def test_no_cluster(sentinel_rig: Rig) -> None:
    """A single Redis where a cluster should be is told as such."""
    words = told(f"redis+cluster://127.0.0.1:{sentinel_rig.servers[0].port}")

    assert "it is no Redis Cluster; write redis://" in words


def test_cluster_as_single_server(cluster_rig: Rig) -> None:
    """A cluster where a single Redis should be is told as such."""
    with open_store(cluster_rig.servers[0].url) as store:
        words = failure(lambda: [store.load(f"k{number}") for number in range(20)])

    assert "it is a Redis Cluster; write redis+cluster://" in words


def test_cluster_without_slots(tmp_path: Path) -> None:
    """A node that was never made part of a cluster is told as such."""
    with RedisServer(tmp_path, options=["--cluster-enabled", "yes"]) as node:
        words = told(f"redis+cluster://127.0.0.1:{node.port}")

    assert "its cluster does not serve all slots" in words


def test_many_threads_on_a_hanging_cluster(cluster_rig: Rig) -> None:
    """However many threads ask a cluster that hangs, all are told, most without asking; it works again at once."""
    clock = FakeClock()
    with open_store(cluster_rig.address, timeout_seconds=SHORT_SECONDS, monotonic=clock) as hasty:

        def is_saved() -> bool:
            clock.advance(AFTER_THE_PAUSE)
            return save(hasty) is SaveOutcome.SAVED

        until(is_saved)
        with contextlib.ExitStack() as stack:
            for server in cluster_rig.servers:
                stack.enter_context(frozen(server))
            with ThreadPoolExecutor(40) as pool:
                words = list(pool.map(lambda _: failure(lambda: hasty.load("k")), range(400)))

        def is_back() -> bool:
            clock.advance(AFTER_THE_PAUSE)
            return hasty.load("k") == StoredEntry(b"v", 1)

        until(is_back)
    assert sum("a moment ago" in text for text in words) > 300


# -------------------------------------------------------------------------------------------------- passwords, TLS, ACL


@pytest.fixture
def acl_user(role: str, rig: Rig) -> Iterator[str]:
    """Return the address with a user who has the permissions of the how-to page alone."""
    grants = PERMISSIONS[role].split()
    for server in rig.servers:
        with admin(server.url) as client:
            client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">r:ght", "~test:*", *grants)
    yield rig.address.replace("//", "//app:r%3Aght@")
    for server in rig.servers:
        with admin(server.url) as client:
            client.acl_deluser("app")


def test_least_permissions(acl_user: str) -> None:
    """The permissions that the how-to page names are enough."""
    with open_store(acl_user) as store:
        lock = store.acquire_lock("k", ttl_seconds=60)
        assert lock is not None
        outcomes = [save(store), store.load("k"), store.use_once("k", ttl_seconds=60), store.keys("k")]
        store.release_lock(lock)
        store.revoke("k", ttl_seconds=60)
        outcomes.append(save(store, 2))
    assert outcomes == [SaveOutcome.SAVED, StoredEntry(b"v", 1), True, {"k"}, SaveOutcome.REVOKED]


def test_wrong_password(acl_user: str) -> None:
    """A wrong password is told as such, and not repeated."""
    words = told(acl_user.replace("r%3Aght", "S3CR3T"))

    assert ("it refuses the user and password in FOTOWEB_CACHE" in words, "S3CR3T" in words) == (True, False)


def test_password_of_the_sentinels(sentinel_rig: Rig) -> None:
    """Sentinels may have a user of their own, who is told apart from the primary's."""
    port = sentinel_rig.address.partition("127.0.0.1:")[2].partition("/")[0]
    with admin(f"redis://127.0.0.1:{port}") as client:
        client.execute_command("ACL", "SETUSER", "scout", "reset", "on", ">right", "+sentinel|masters")
        with open_store(f"{sentinel_rig.address}?sentinel_username=scout&sentinel_password=right") as store:
            loaded = store.load("k")
        words = told(f"{sentinel_rig.address}?sentinel_username=scout&sentinel_password=S3CR3T")
        client.execute_command("ACL", "DELUSER", "scout")

    assert (loaded, "S3CR3T" in words) == (None, False)
    assert "no sentinel can be asked: it refuses the user and password" in words


def test_keys_of_many_steps(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are found on all nodes, however many steps that takes."""
    monkeypatch.setattr(redis_store, "KEYS_AT_ONCE", 1)
    wanted = {f"session:{number}" for number in range(100)}
    with open_store(rig.address) as store:
        for key in (*wanted, *(f"other:{number}" for number in range(100))):
            store.save(key, b"v", version=1, ttl_seconds=60, create=True)
        found = store.keys("session:")
    assert found == wanted


def test_client_certificates(role: str, tmp_path: Path, certificates: Path) -> None:
    """With TLS the servers' certificates are checked, and ours is shown; without ours we are refused."""
    right = certificates / "right.pem"
    with started(role, tmp_path, right) as rig:
        trusted = f"{rig.address}?ssl_ca_certs={right}"
        with open_store(f"{trusted}&ssl_certfile={right}&ssl_keyfile={right.with_suffix('.key')}") as store:
            saved = save(store)
        words = [told(rig.address), told(trusted)]

    assert saved is SaveOutcome.SAVED
    assert "its TLS certificate is not one we trust" in words[0]
    assert "TLS failed" in words[1] or "the connection broke" in words[1]
