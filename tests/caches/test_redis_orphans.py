"""A Redis that hung carries out what nobody waits for any more: a lease taken so is given up once it answers again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from fotoweb_middleware.caches.protocol import Lease
from fotoweb_middleware.caches.redis_blocking import RedisCache
from fotoweb_middleware.caches.redis_health import Health
from fotoweb_middleware.caches.redis_orphans import MOST_ORPHANS, Orphans
from fotoweb_middleware.caches.redis_scripts import RedisCall, build_free_lease, build_load, build_take_lease
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.orphans_kit import OUTAGE, PATIENCE_SECONDS, Threads, orphan
from tests.caches.redis_kit import OWN_FACES, TIMEOUT_SECONDS, admin, failure, frozen, open_face
from tests.providers.redis_server import RedisServer

LONG_SECONDS = 600
REFUSAL = redis.exceptions.NoPermissionError("NOPERM")


def until(works: Callable[[], object]) -> object:
    """Ask over and over, as requests would, and return the first answer that is one."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        with contextlib.suppress(CacheUnavailable):
            if answer := works():
                return answer
        time.sleep(0.02)
    return None


@pytest.fixture(autouse=True)
def threads() -> Iterator[Threads]:
    """Return the threads that a test begins, and end with them."""
    begun = Threads()
    yield begun
    begun.wait_until_none()


def owner_of(server: RedisServer, key: str) -> bytes | None:
    """Return whose lease Redis has."""
    with admin(server.url) as client:
        owner: bytes | None = client.get(f"test:{{{key}}}:lease")
        return owner


@pytest.mark.redis
@pytest.mark.parametrize("face", OWN_FACES)
def test_lease_of_nobody(redis_server: RedisServer, face: str) -> None:
    """A question that timed out is carried out later; it is undone though the one who asked has nothing else to ask."""
    with (
        open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as asker,
        open_face("blocking", redis_server.url) as other,
    ):
        # Redis knows the scripts from now on.
        warm = until(lambda: asker.take_lease("warm", ttl_seconds=LONG_SECONDS))
        assert isinstance(warm, Lease)
        with frozen(redis_server):
            failure(lambda: asker.take_lease("k", ttl_seconds=LONG_SECONDS))

        assert until(lambda: other.take_lease("k", ttl_seconds=LONG_SECONDS)) is not None
        assert other.take_lease("warm", ttl_seconds=LONG_SECONDS) is None


@pytest.mark.redis
@pytest.mark.parametrize("face", OWN_FACES)
def test_lease_that_could_not_be_given_up(redis_server: RedisServer, face: str) -> None:
    """So is a lease whose own giving up was lost on the way."""
    with open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as asker:
        lease = until(lambda: asker.take_lease("k", ttl_seconds=LONG_SECONDS))
        assert isinstance(lease, Lease)
        with admin(redis_server.url) as client:
            client.client_pause(60_000, all=False)  # Writes are held back, and those of who has gone are dropped.
            failure(lambda: asker.free_lease(lease))
            client.client_unpause()

        assert until(lambda: owner_of(redis_server, "k") is None)


@pytest.mark.redis
def test_looks_go_on_where_writes_hang(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """That a lease can't be given up stops nobody's look, and the log does not tell of it."""
    cache = RedisCache(redis_server.url, namespace="test", timeout_seconds=TIMEOUT_SECONDS)
    with contextlib.closing(cache), admin(redis_server.url) as client:
        until(lambda: cache.take_lease("warm", ttl_seconds=LONG_SECONDS))
        client.client_pause(60_000, all=False)
        failure(lambda: cache.take_lease("k", ttl_seconds=LONG_SECONDS))
        until(lambda: cache.load("k") is None)
        caplog.clear()

        assert cache._sweeper.sweep()
        assert cache.load("k") is None
        client.client_unpause()

    assert [line for line in caplog.messages if "back" not in line] == []


# ------------------------------------------------------------------------------------------------- what is remembered


def health() -> Health:
    """Return what is known of a Redis that was never asked."""
    return Health("redis://127.0.0.1:6379", timeout_seconds=1)


def calls() -> list[RedisCall[Lease | None] | RedisCall[None]]:
    """Return a lease's taking and giving up."""
    return [build_take_lease("n", "k", ttl_seconds=60), build_free_lease("n", Lease("k", "me", 1))]


@pytest.mark.parametrize("number", [0, 1], ids=["taken", "given up"])
def test_noted_once(number: int) -> None:
    """Where nobody knows whether a lease was taken or given up, it is given up, by the owner of then, once."""
    ours, call = health(), calls()[number]
    ours.failed(call, OUTAGE)
    ours.failed(call, OUTAGE)

    assert len(ours.orphans) == 1
    noted = ours.orphans.first()
    assert noted is not None
    assert (noted.name, noted.command[3]) == ("free_lease", call.command[3])
    assert noted.command[4] == (call.command[6] if number == 0 else "me")


def test_nothing_noted() -> None:
    """Nothing is made up for where Redis refused, or where only a look failed."""
    ours = health()
    ours.failed(calls()[0], REFUSAL)
    ours.failed(build_load("n", "k"), OUTAGE)

    assert not ours.orphans
    assert ours.orphans.first() is None


@pytest.mark.parametrize("end", ["answered", "refused"])
def test_forgotten_once_redis_has_spoken(end: str) -> None:
    """One that was given up is done with; so is one that Redis does not let us give up, and the next has its turn."""
    ours, last = health(), orphan(1)
    ours.failed(calls()[0], OUTAGE)
    ours.orphans.note(last)
    first = ours.orphans.first()
    assert first is not None
    ours.failed(first, OUTAGE)
    assert (len(ours.orphans), ours.orphans.first()) == (2, first)

    if end == "answered":
        ours.answered(first)
    else:
        ours.failed(first, REFUSAL)
    ours.orphans.forget(first)  # As a second thread may, which had sent it too.

    assert (len(ours.orphans), ours.orphans.first()) == (1, last)


def test_failed_attempt_says_nothing_of_looks(caplog: pytest.LogCaptureFixture) -> None:
    """That a lease could not be given up keeps nobody from looks, and is not told."""
    ours = health()
    ours.failed(orphan(), OUTAGE)

    ours.check()
    assert caplog.messages == []


def test_memory_is_bounded() -> None:
    """Of an outage in which very many leases were asked for the newest are remembered."""
    orphans = Orphans()
    made = [orphan(number) for number in range(MOST_ORPHANS + 5)]
    for one in made:
        orphans.note(one)

    assert len(orphans) == MOST_ORPHANS
    assert orphans.first() is made[5]
