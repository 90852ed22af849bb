"""What is remembered of leases that Redis may hold for nobody, and for how long."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest
import redis

from fotoweb_middleware.caches.protocol import Lease
from fotoweb_middleware.caches.redis_async import AsyncRedisCache
from fotoweb_middleware.caches.redis_health import Health
from fotoweb_middleware.caches.redis_orphans import MOST_ORPHANS, MOST_REFUSALS, Orphans
from fotoweb_middleware.caches.redis_scripts import (
    LONGEST_FENCED_SECONDS,
    RedisCall,
    build_free_lease,
    build_load,
    build_probe,
    build_take_lease,
)
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.orphans_kit import OUTAGE, orphan

pytestmark = pytest.mark.usefixtures("threads")

REFUSAL = redis.exceptions.NoPermissionError("NOPERM")


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


@pytest.mark.parametrize("error", [OUTAGE, REFUSAL], ids=["silent", "refused"])
def test_giving_up_must_happen(error: Exception) -> None:
    """A lease that its holder has is given up whatever kept Redis from it: silence, a refusal, nobody's asking."""
    ours, call = health(), calls()[1]
    ours.failed(call, error)
    assert len(ours.orphans) == 1

    ours, call = health(), calls()[1]
    ours.queue_too_long(call)
    assert len(ours.orphans) == 1

    ours, call = health(), calls()[1]
    ours.failed(build_load("n", "k"), OUTAGE)
    with pytest.raises(CacheUnavailable):
        ours.check(call)
    assert len(ours.orphans) == 1
    with pytest.raises(CacheUnavailable):
        ours.check(calls()[0])  # What was never asked for is nobody's.
    assert len(ours.orphans) == 1


def test_forgotten_once_it_is_done() -> None:
    """One that was given up is done with, and the next has its turn; one that Redis was silent to is not."""
    ours, last = health(), orphan(1)
    ours.failed(calls()[0], OUTAGE)
    ours.orphans.note(last)
    first = ours.orphans.first()
    assert first is not None
    ours.failed(first, OUTAGE)
    assert (len(ours.orphans), ours.orphans.first()) == (2, first)

    ours.answered(first)
    assert (len(ours.orphans), ours.orphans.first()) == (1, last)

    ours.answered(first)  # As a second thread may, which had sent it too.
    ours.answered(build_load("n", "k1"))
    assert ours.orphans.first() is last


def test_refused_for_good() -> None:
    """Where Redis refuses to give any up all are tried for half a minute; then their time has mostly ended."""
    ours, one = health(), orphan()
    ours.orphans.note(one)
    ours.orphans.note(orphan(1))
    for _ in range(MOST_REFUSALS - 1):
        ours.failed(one, REFUSAL)
        ours.orphans.note(one)
    assert (len(ours.orphans), ours.orphans.first()) == (2, one)

    ours.failed(one, REFUSAL)
    assert not ours.orphans


@pytest.mark.parametrize("before", ["done", "given up for good"])
def test_refusals_are_counted_anew(before: str) -> None:
    """Refusals count in a row: one that was given up in between, or the end of a row, begins it anew."""
    orphans, one = Orphans(), orphan()
    orphans.note(one)
    for _ in range(MOST_REFUSALS - (before == "done")):
        orphans.refused()
    if before == "done":
        orphans.done(one)
    orphans.note(one)
    orphans.refused()

    assert orphans.first() is one


def test_failed_attempt_says_nothing_of_looks(caplog: pytest.LogCaptureFixture) -> None:
    """That a lease could not be given up keeps nobody from looks, and is not told."""
    ours = health()
    ours.failed(orphan(), OUTAGE)

    ours.check(build_load("n", "k"))
    assert caplog.messages == []


def test_attempt_is_nobodys_trial() -> None:
    """While Redis is down an attempt keeps nobody from finding out whether it is back."""
    ours = health()
    ours.failed(build_load("n", "k"), OUTAGE)
    with pytest.raises(CacheUnavailable):
        ours.admit(orphan())
    ours._breaker._refuse_until = 0.0  # As half a second later.

    ours.admit(orphan())
    ours.check(build_load("n", "k"))


def test_claims_stay() -> None:
    """A claim that Redis did not answer in time stays: who asked for it may have gone on, and nobody else may."""
    ours = health()
    ours.failed(build_take_lease("n", "login:x", ttl_seconds=LONGEST_FENCED_SECONDS + 1), OUTAGE)
    assert not ours.orphans

    ours.failed(build_take_lease("n", "k", ttl_seconds=LONGEST_FENCED_SECONDS), OUTAGE)
    assert len(ours.orphans) == 1


def test_what_is_refused_is_not_told_to_work(caplog: pytest.LogCaptureFixture) -> None:
    """A lease that had ended by itself is given up without a write: that says nothing of what Redis refuses."""
    ours, call = health(), calls()[1]
    ours.failed(call, REFUSAL)
    caplog.clear()
    assert call.make_up is not None
    ours.answered(call.make_up)
    assert caplog.messages == []

    ours.answered(call)
    assert "free_lease works again" in caplog.text


def test_probe_looks_at_the_lease() -> None:
    """A look is a plain GET of the key of the lease: it needs no other right, and no other place in a Cluster."""
    assert build_probe(orphan(3)).command == ("GET", "n:{k3}:lease")
    assert not build_probe(orphan(3)).makes_up


def test_memory_is_bounded() -> None:
    """Of an outage in which very many leases were asked for the newest are remembered."""
    orphans = Orphans()
    made = [orphan(number) for number in range(MOST_ORPHANS + 5)]
    for one in made:
        orphans.note(one)

    assert len(orphans) == MOST_ORPHANS
    assert orphans.first() is made[5]


def test_threads_that_note_and_forget_at_once() -> None:
    """Threads that time out, are refused and give up in the same moment don't disturb one another."""
    ours, over = health(), threading.Event()
    failures: list[Exception] = []

    def work(error: Exception) -> None:
        try:
            while not over.is_set():
                ours.failed(build_take_lease("n", "k", ttl_seconds=60), error)
                ours.failed(build_free_lease("n", Lease("k", "me", 1)), error)
                if (first := ours.orphans.first()) is not None:
                    ours.failed(first, REFUSAL)
                    ours.answered(first)
        except Exception as defect:  # noqa: BLE001 (the test tells of any)
            failures.append(defect)

    before = sys.getswitchinterval()
    sys.setswitchinterval(0.00001)
    try:
        working = [threading.Thread(target=work, args=(error,)) for error in (OUTAGE, OUTAGE, REFUSAL)]
        for thread in working:
            thread.start()
        working[0].join(0.5)
        over.set()
        for thread in working:
            thread.join()
    finally:
        sys.setswitchinterval(before)

    assert failures == []


def test_giving_up_that_was_cancelled_in_the_queue() -> None:
    """Under asyncio a lease whose holder was cancelled while the giving up waited for its turn is given up later."""

    async def work() -> int:
        cache = AsyncRedisCache("redis://127.0.0.1:1?max_connections=1", namespace="n")
        held = cache._hold()
        await held.turns.acquire()
        task = asyncio.create_task(cache.free_lease(Lease("k", "me", 1)))
        while not held.queued:  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        held.turns.release()
        noted = len(cache._health.orphans)
        await cache.aclose()
        return noted

    assert asyncio.run(work()) == 1


def test_call_that_never_took_its_first_step() -> None:
    """Under asyncio a call that is cancelled before it begins leaves nothing behind among those that wait."""

    async def work() -> None:
        cache = AsyncRedisCache("redis://127.0.0.1:1", namespace="n")
        held = cache._hold()
        call = cache._start(held, build_load("n", "k"))
        assert held.queued == {call}
        call.cancel()
        await asyncio.wait({call})

        assert (held.queued, held.calls) == (set(), set())
        await cache.aclose()

    asyncio.run(work())
