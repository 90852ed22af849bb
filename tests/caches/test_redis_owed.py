"""A Redis that hung carries out what nobody waits for any more: a lease taken so is given up once it answers again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import redis
import redis.asyncio

from fotoweb_middleware.caches.protocol import Lease
from fotoweb_middleware.caches.redis_async import AsyncRedisCache
from fotoweb_middleware.caches.redis_blocking import RedisCache
from fotoweb_middleware.caches.redis_health import MAKE_UPS_AT_ONCE, MOST_OWED, Health
from fotoweb_middleware.caches.redis_scripts import (
    RedisCall,
    build_bury,
    build_free_lease,
    build_load,
    build_take_lease,
)
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.redis_kit import OWN_FACES, TIMEOUT_SECONDS, failure, frozen, open_face
from tests.providers.redis_server import RedisServer

LONG_SECONDS = 600
WRITE = build_bury("n", "k", ttl_seconds=60)
OUTAGE = redis.exceptions.TimeoutError("no answer")


def until(works: Callable[[], object]) -> object:
    """Ask over and over, as requests would, and return the first answer that is one."""
    ends_at = time.monotonic() + 30
    while time.monotonic() < ends_at:
        try:
            if (answer := works()) is not None:
                return answer
        except CacheUnavailable:
            pass
        time.sleep(0.02)
    return None


@pytest.mark.redis
@pytest.mark.parametrize("face", OWN_FACES)
def test_lease_of_nobody(redis_server: RedisServer, face: str) -> None:
    """A question that timed out is carried out later; others need not wait until that lease ends by itself."""
    with (
        open_face(face, redis_server.url, timeout_seconds=TIMEOUT_SECONDS) as asker,
        open_face("blocking", redis_server.url) as other,
    ):
        warm = until(lambda: asker.take_lease("warm", ttl_seconds=LONG_SECONDS))  # Redis knows the script from now on.
        assert isinstance(warm, Lease)
        with frozen(redis_server):
            failure(lambda: asker.take_lease("k", ttl_seconds=LONG_SECONDS))
        # Until Redis has carried that out and the one who asked has been there again.
        until(partial(asker.take_lease, "another", ttl_seconds=60))

        assert until(lambda: other.take_lease("k", ttl_seconds=LONG_SECONDS)) is not None
        assert other.take_lease("warm", ttl_seconds=LONG_SECONDS) is None


def health() -> Health:
    """Return what is known of a Redis that was never asked."""
    return Health("redis://127.0.0.1:6379", timeout_seconds=1)


def calls() -> list[RedisCall[Lease | None] | RedisCall[None]]:
    """Return a lease's taking and giving up."""
    return [build_take_lease("n", "k", ttl_seconds=60), build_free_lease("n", Lease("k", "me", 1))]


@pytest.mark.parametrize("number", [0, 1], ids=["taken", "given up"])
def test_owed_once(number: int) -> None:
    """Where nobody knows whether a lease was taken or given up, it is given up, by the owner of then, once."""
    ours, call = health(), calls()[number]
    ours.failed(call, OUTAGE)

    (owed,) = ours.take_owed(WRITE)

    assert (owed.name, owed.command[3]) == ("free_lease", call.command[3])
    owner = call.command[6] if number == 0 else "me"
    assert owed.command[4] == owner
    assert ours.take_owed(WRITE) == []


def test_nothing_owed() -> None:
    """Nothing is made up for where Redis refused, or where only a look failed."""
    ours = health()
    ours.failed(calls()[0], redis.exceptions.ResponseError("NOPERM"))
    ours.failed(build_load("n", "k"), OUTAGE)

    assert ours.take_owed(WRITE) == []


def test_owed_is_bounded() -> None:
    """Of an outage in which very many leases were asked for the newest are remembered, and made up for in turns."""
    ours = health()
    for number in range(MOST_OWED + 5):
        ours.failed(build_free_lease("n", Lease(f"k{number}", "me", 1)), OUTAGE)

    owed = []
    while part := ours.take_owed(WRITE):
        assert len(part) <= MAKE_UPS_AT_ONCE
        owed += part
    assert len(owed) == MOST_OWED
    assert owed[-1].command == build_free_lease("n", Lease(f"k{MOST_OWED + 4}", "me", 1)).command


def test_looks_make_up_for_nothing() -> None:
    """That Redis answers reads says nothing of writes: a look would hang for them, and be refused after them."""
    ours = health()
    ours.failed(calls()[0], OUTAGE)

    assert ours.take_owed(build_load("n", "k")) == []
    assert len(ours.take_owed(WRITE)) == 1


class Scripted(RedisCache):
    """A cache whose Redis answers as a test says."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1", namespace="n")
        self.asked: list[str] = []
        self.answer: Callable[[str], object] = lambda _name: OUTAGE

    def _ask(self, client: redis.Redis, call: RedisCall[Any]) -> object:
        self.asked.append(call.name)
        answer = self.answer(call.name)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def owing(self, count: int) -> Scripted:
        """Have so many leases asked for in vain."""
        for number in range(count):
            failure(lambda number=number: self.take_lease(f"k{number}", ttl_seconds=60))  # type: ignore[misc]
            self._health._breaker._refuse_until = 0.0  # As half a second later.
        self.asked.clear()
        return self


@pytest.mark.parametrize("owed", [1, 2, 5])
def test_answer_is_kept_whatever_becomes_of_a_make_up(owed: int) -> None:
    """A lease that was granted is not lost because an older one could not be given up; that one stays owed."""
    cache = Scripted().owing(owed)
    cache.answer = lambda name: 7 if name == "take_lease" else OUTAGE

    lease = cache.take_lease("mine", ttl_seconds=60)

    assert lease is not None
    assert lease.fence == 7
    assert cache.asked == ["take_lease", "free_lease"]
    assert len(cache._health._owed) == owed


def test_make_up_that_was_not_asked_stays_owed() -> None:
    """So does one that the breaker, which another thread has tripped meanwhile, does not let through."""
    cache = Scripted().owing(3)

    def answer(name: str) -> object:
        cache._health._breaker.trip()
        return 7 if name == "take_lease" else 1

    cache.answer = answer
    reset, cache._health._breaker.reset = cache._health._breaker.reset, lambda: None  # type: ignore[method-assign]

    assert cache.take_lease("mine", ttl_seconds=60) is not None
    assert (cache.asked, len(cache._health._owed)) == (["take_lease"], 3)
    reset()


def test_leases_that_were_given_up_in_vain() -> None:
    """A lease whose own giving up failed is given up with the next write, as often as that takes."""
    cache = Scripted()
    lease = Lease("k", "me", 3)
    failure(lambda: cache.free_lease(lease))
    for _ in range(2):
        cache._health._breaker._refuse_until = 0.0
        cache.answer = lambda name: 7 if name == "take_lease" else OUTAGE
        cache.take_lease("other", ttl_seconds=60)
        assert len(cache._health._owed) == 1

    cache.answer = lambda _name: 1
    cache._health._breaker._refuse_until = 0.0
    cache.take_lease("another", ttl_seconds=60)
    assert len(cache._health._owed) == 0


class AwaitableScripted(AsyncRedisCache):
    """The awaitable face of such a cache."""

    answer: Callable[[str], object]

    async def _ask(self, client: redis.asyncio.Redis, call: RedisCall[Any]) -> object:
        answer = self.answer(call.name)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("reply", "trips", "is_owed"),
    [(OUTAGE, False, True), (1, True, True), (1, False, False)],
    ids=["fails", "is not asked", "works"],
)
def test_awaitable_make_up(reply: object, trips: bool, is_owed: bool) -> None:
    """Nobody waits for it; one that fails, or that the breaker does not let through, stays owed."""

    async def work() -> tuple[Lease | None, int]:
        cache = AwaitableScripted("redis://127.0.0.1:1", namespace="n")
        cache.answer = lambda _name: OUTAGE
        with pytest.raises(CacheUnavailable):
            await cache.take_lease("k", ttl_seconds=60)
        cache._health._breaker._refuse_until = 0.0
        cache.answer = lambda name: 7 if name == "take_lease" else reply
        take_owed = cache._health.take_owed

        def take_and_trip(answered: RedisCall[Any]) -> list[RedisCall[None]]:
            owed = take_owed(answered)
            if trips:  # As another call may, before the make-up has its turn.
                cache._health._breaker.trip()
            return owed

        cache._health.take_owed = take_and_trip  # type: ignore[assignment]
        lease = await cache.take_lease("mine", ttl_seconds=60)
        await cache.aclose()
        return lease, len(cache._health._owed)

    lease, owed = asyncio.run(work())

    assert lease is not None
    assert owed == is_owed
