"""Stage 3, one step at a time: the age of a token, who renews, who waits and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Lease, Stored
from fotoweb_middleware.effects import AwaitLease, Detach, LoadRecord, TakeLease
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages.records import seal_record
from fotoweb_middleware.stages.refresh import (
    Age,
    age_of,
    keep_usable,
    known_result,
    may_be_used_once,
    renew,
    renew_for_all,
    renew_later,
)
from fotoweb_middleware.stages.renewal import REFRESH_STEP, Ended, NotNow, OperatorFault, Usable
from tests.flows.stepping import walked
from tests.site.samples import NOW, a_record, adopted
from tests.stages.turned import Clocks, a_turned_site

LEASE = Lease("k", "t", 1)


@pytest.fixture
def site(clocks: Clocks) -> Site:
    """Return a site that shares its cache with others."""
    return a_turned_site(clocks, shared_cache=True)


def expired(site: Site, **record: Any) -> Held:
    """Return a session whose token has expired an hour ago."""
    return site.near.adopt(a_record(received_at=NOW - 7200, expires_at=NOW - 3600, **record))


@pytest.mark.parametrize(
    ("now", "age"),
    [
        (NOW - 61, Age.EXPIRED),
        (NOW - 60, Age.FRESH),
        (NOW + 3539, Age.FRESH),
        (NOW + 3540, Age.STALE),
        (NOW + 3599, Age.STALE),
        (NOW + 3600, Age.EXPIRED),
    ],
)
def test_age(now: float, age: Age) -> None:
    """A token of an hour is stale in its last minute, and expired too where the clock went back over a minute."""
    assert age_of(adopted(), now) is age


@pytest.mark.parametrize(
    ("now", "age"),
    [
        (NOW - 3601, Age.EXPIRED),
        (NOW - 3600, Age.FRESH),
        (NOW - 61, Age.FRESH),
        (NOW + 3599, Age.FRESH),
        (NOW + 3600, Age.EXPIRED),
    ],
)
def test_age_of_what_nothing_renews(now: float, age: Age) -> None:
    """Without a refresh token the token serves until its end, though the clock goes back by as long as it lives."""
    assert age_of(adopted(refresh_token=None), now) is age


@pytest.mark.parametrize(
    ("ago_seconds", "lifetime_seconds", "refresh_token", "once"),
    [
        (0, 0, "R", True),
        (59, 0, "R", True),
        (60, 0, "R", False),
        (-1, 0, "R", False),
        (5, 0.9, "R", True),
        (5, 1, "R", False),
        (5, 1.5, "R", False),
        (5, 3, None, True),
    ],
)
def test_used_once(ago_seconds: float, lifetime_seconds: float, refresh_token: str | None, once: bool) -> None:
    """A token that came within a minute serves once if it lived under a second, or if nothing can renew it."""
    received_at = NOW - ago_seconds
    held = adopted(received_at=received_at, expires_at=received_at + lifetime_seconds, refresh_token=refresh_token)

    assert may_be_used_once(held, NOW) is once


def test_used_once_is_not_twice(site: Site) -> None:
    """It is spent by that one use."""
    held = site.near.adopt(a_record(received_at=NOW, expires_at=NOW, refresh_token=None))

    assert [type(walked(keep_usable(site, held))[1]) for _ in range(2)] == [Usable, Ended]


@pytest.mark.parametrize(("lifetime_seconds", "is_spent"), [(3600, False), (1, False), (0, True)])
def test_renewed_token_is_spent_where_it_has_expired(site: Site, lifetime_seconds: float, is_spent: bool) -> None:
    """A token that came expired from a refresh serves that one request."""
    before = expired(site)
    newer = a_record(version=1 + REFRESH_STEP, expires_at=NOW + lifetime_seconds)
    flow = keep_usable(site, before)
    detached = next(flow)
    assert isinstance(detached, TakeLease)
    adopted_held = site.near.adopt(newer)

    _, renewal = walked_on(flow, None, 0.1)

    assert isinstance(renewal, Usable)
    assert renewal.held is adopted_held
    assert renewal.held.current.spent is is_spent


def walked_on(flow: Any, *replies: Any) -> tuple[list[Any], Any]:
    """Carry a flow on that waits for its first reply."""
    effects = []
    try:
        for reply in replies:
            effects.append(flow.send(reply))  # noqa: PERF401 (what came before the end counts)
    except StopIteration as stop:
        return effects, stop.value
    raise AssertionError("it goes on")


@pytest.mark.parametrize("spoil", ["gone", "fresh", "tried", "under way"])
def test_nothing_to_renew_later(site: Site, clocks: Clocks, spoil: str) -> None:
    """After an answer nothing is renewed of a session that is gone, fresh, was tried just now, or is being renewed."""
    held = site.near.adopt(a_record())
    clocks.wall += 0 if spoil == "fresh" else 3550
    held.retry_at = 1.0 if spoil == "tried" else held.retry_at
    held.left_until = 1.0 if spoil == "under way" else held.left_until

    effects, _ = walked(renew_later(site, "other" if spoil == "gone" else held.record.session_id))

    assert effects == []


def test_renewed_later(site: Site, clocks: Clocks) -> None:
    """A stale one is tried from the very moment of its next try on, unless somebody else has the lease."""
    held = site.near.adopt(a_record())
    clocks.wall += 3550
    clocks.monotonic = held.retry_at = 7.0

    (effect,), _ = walked(renew_later(site, held.record.session_id), None)

    assert isinstance(effect, TakeLease)
    assert not effect.local_only


def test_others_leave_it_alone_meanwhile(site: Site, clocks: Clocks) -> None:
    """While one renews a stale token, and for a second where another process does, no request of ours asks for it."""
    held = site.near.adopt(a_record())
    clocks.wall += 3550
    flow = renew_later(site, held.record.session_id)
    next(flow)

    effect = flow.send(LEASE)
    assert isinstance(effect, Detach)
    next(effect.flow)
    assert (held.is_left(clocks.monotonic + 14.9), held.is_left(clocks.monotonic + 15)) == (True, False)
    effect.flow.close()
    assert not held.is_left(clocks.monotonic)

    walked(renew_later(site, held.record.session_id), None)
    assert (held.is_left(clocks.monotonic + 0.9), held.is_left(clocks.monotonic + 1)) == (True, False)


def test_waiters_wait_for_their_own_session(site: Site) -> None:
    """Requests of different sessions do not wait for each other, and a turn is not the lease itself."""
    keys = set()
    for name in ("a", "b"):
        flow = renew(site, expired(site, session_id=name))
        turn = next(flow)
        assert isinstance(turn, TakeLease)
        detached = flow.send(LEASE)
        assert isinstance(detached, Detach)
        lease = next(detached.flow)
        assert isinstance(lease, TakeLease)
        assert turn.local_only
        assert not lease.local_only
        keys |= {turn.key, lease.key}

    assert len(keys) == 4


@pytest.mark.parametrize(("waits", "count"), [((5.0, 5.5), 2), ((10.4, 0.1), 2), ((10.5,), 1), ((11.0,), 1)])
def test_waiting_for_the_turn_ends(site: Site, waits: tuple[float, ...], count: int) -> None:
    """Who waits for another request of this process gives up after as long as a call to FotoWeb may last."""
    replies = [reply for seconds in waits for reply in (None, seconds)]

    effects, renewal = walked(renew(site, expired(site)), *replies)

    assert renewal == NotNow(1.0)
    assert sum(isinstance(effect, AwaitLease) for effect in effects) == count
    assert next(effect.at_most_seconds for effect in effects if isinstance(effect, AwaitLease)) == 10.5


@pytest.mark.parametrize("shared", [True, False])
def test_waiting_for_the_lease_ends(clocks: Clocks, shared: bool) -> None:
    """Who waits for another process looks at the cache they share after each wait, and gives up in time."""
    site = a_turned_site(clocks, shared_cache=shared)
    before = expired(site).record
    key = site.cache_key("session", before.session_id)
    looked = [Stored(seal_record(site, key, before), before.version)] if shared else []

    effects, renewal = walked(renew_for_all(site, before, 1.0, NOW), None, 0.4, *looked, None, 0.6, *looked, None)

    assert renewal == NotNow(1.0)
    assert sum(isinstance(effect, LoadRecord) for effect in effects) == 2 * len(looked)
    assert [effect.at_most_seconds for effect in effects if isinstance(effect, AwaitLease)] == [1.0, 0.6]


@pytest.mark.parametrize(("left_seconds", "asks"), [(10.5, True), (10.0, True), (9.9, False), (0.0, False)])
def test_lease_that_comes_late(clocks: Clocks, left_seconds: float, asks: bool) -> None:
    """Whoever gets the lease after a wait asks FotoWeb only where the call fits into what is left of its time (I7)."""
    site = a_turned_site(clocks)
    flow = renew_for_all(site, expired(site).record, left_seconds, NOW)
    next(flow)

    if asks:
        assert isinstance(flow.send(LEASE), LoadRecord)  # As whoever renews does first.
    else:
        assert walked_on(flow, LEASE) == ([], NotNow(1.0))


@pytest.mark.parametrize("was_renewed", [True, False])
def test_result_written_as_the_lease_was_given_up(site: Site, was_renewed: bool) -> None:
    """Between a look and the lease the holder may have ended: who may not ask FotoWeb any more looks once more."""
    before = expired(site).record
    newer = a_record(version=1 + REFRESH_STEP) if was_renewed else before
    key = site.cache_key("session", before.session_id)

    effects, renewal = walked(
        renew_for_all(site, before, 9.0, NOW), LEASE, Stored(seal_record(site, key, newer), newer.version)
    )

    assert [type(effect) for effect in effects] == [TakeLease, LoadRecord]
    held = site.near.find(before.session_id)
    assert held is not None
    assert renewal == (Usable(held, was_renewed=True) if was_renewed else NotNow(1.0))


def test_result_that_came_while_waiting(site: Site) -> None:
    """A result that this process has by then is taken, and the cache not asked."""
    before = expired(site).record
    flow = renew_for_all(site, before, 1.0, NOW)
    assert isinstance(next(flow), TakeLease)
    assert isinstance(flow.send(None), AwaitLease)
    newer = site.near.adopt(a_record(version=1 + REFRESH_STEP))

    assert walked_on(flow, 0.1) == ([], Usable(newer, was_renewed=True))


def test_cache_down_in_reference_mode(clocks: Clocks) -> None:
    """Where the cache alone carries the session nothing is renewed without it."""
    site = a_turned_site(clocks, shared_cache=True, cookie_mode="reference")
    held = expired(site)
    held.by_handle = True

    _, renewal = walked(renew_for_all(site, held.record, 1.0, NOW), CacheUnavailable("down"))

    assert renewal == NotNow(1.0, cache_is_down=True)


def test_known_end(site: Site) -> None:
    """A session that ended here has ended."""
    held = expired(site)
    site.near.bury(held.record.session_id, 1000)

    assert known_result(site, held.record, NOW) == Ended()


@pytest.mark.parametrize(
    ("retry_at", "error", "result"),
    [
        (0.0, None, None),
        (2.5, None, NotNow(2.5)),
        (2.5, "invalid_client", OperatorFault("invalid_client")),
        (0.0, "invalid_client", None),
    ],
)
def test_known_failure(site: Site, retry_at: float, error: str | None, result: object) -> None:
    """A try that just failed is told to whoever comes before the next one is due."""
    held = expired(site)
    held.retry_at, held.operator_error = retry_at, error

    assert known_result(site, held.record, NOW) == result
