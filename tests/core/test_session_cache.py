"""What a process remembers: sessions by our own cookies and by id, and revocations."""

from __future__ import annotations

import os
from typing import Any

import pytest

from fotoweb_middleware.session import SessionRecord, TokenSet
from fotoweb_middleware.session_cache import MAX_OWN_CHARACTERS, CachedSession, KnownRequest, SessionCache
from fotoweb_middleware.testing import FakeClock
from tests.core.samples import NOW, a_record, a_settings

FOR_APP = {"HTTP_AUTHORIZATION": "Bearer access-1"}
TAG = "fotoweb-tag=t"


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands at ``NOW``."""
    return FakeClock(NOW)


def a_cache(clock: FakeClock, **changes: Any) -> SessionCache:
    """Return an empty cache."""
    return SessionCache(a_settings(**changes), clock=clock, monotonic=clock)


def adopted(cache: SessionCache, clock: FakeClock, record: SessionRecord, *own: str) -> CachedSession:
    """Put a session into the cache, checked just now, under these cookies."""
    cached = cache.adopt(record)
    assert cached is not None
    cache.note_checked(cached, is_saved=True)
    for each in own:
        cache.remember(each, KnownRequest(cached, FOR_APP, TAG), secure=True)
    return cached


def a_token(lifetime_seconds: float | None = 3600) -> TokenSet:
    """Return tokens that were received at ``NOW``."""
    return TokenSet("access", "refresh", NOW, None if lifetime_seconds is None else NOW + lifetime_seconds)


def test_cookies_are_known(clock: FakeClock) -> None:
    """The same cookies are found, with what the app gets; others, and the same on another origin, are not."""
    cache = a_cache(clock)
    cached = adopted(cache, clock, a_record(tokens=a_token()), "s=x")

    assert cache.find("s=x", secure=True) == KnownRequest(cached, FOR_APP, TAG)
    assert cache.find("s=y", secure=True) is None
    assert cache.find("s=x", secure=False) is None


@pytest.mark.parametrize("seconds", [5, -1, 3600], ids=["recheck", "clock went back", "expired"])
def test_nothing_is_known_once_something_is_due(seconds: float) -> None:
    """A check of the store that is due, a clock that went back, an expired token: all are looked at closely."""
    now = [NOW]
    cache = SessionCache(a_settings(), clock=lambda: now[0], monotonic=lambda: now[0])
    cached = cache.adopt(a_record(tokens=a_token()))
    assert cached is not None
    cache.note_checked(cached, is_saved=True)
    cache.remember("s=x", KnownRequest(cached, FOR_APP, TAG), secure=True)
    assert cache.find("s=x", secure=True) is not None

    now[0] += seconds

    assert cache.find("s=x", secure=True) is None


def test_one_key_a_session(clock: FakeClock) -> None:
    """A session is known by its last cookies alone, once for Secure names and once for plain ones."""
    cache = a_cache(clock)
    cached = adopted(cache, clock, a_record(tokens=a_token()), "s=1", "s=2")
    cache.remember("s=3", KnownRequest(cached, FOR_APP, TAG), secure=False)

    assert [own for own in ("s=1", "s=2") if cache.find(own, secure=True)] == ["s=2"]
    assert cache.find("s=3", secure=False) is not None
    cache.revoke(cached.record.session_id)
    assert (cache.find("s=2", secure=True), cache.find("s=3", secure=False)) == (None, None)


def test_long_cookies_are_not_remembered(clock: FakeClock) -> None:
    """What a client can make long without end takes no memory."""
    cache = a_cache(clock)
    header = "s=" + "x" * MAX_OWN_CHARACTERS
    adopted(cache, clock, a_record(tokens=a_token()), header)

    assert cache.find(header, secure=True) is None


def test_size(clock: FakeClock) -> None:
    """No more sessions are kept than ``FOTOWEB_CACHE_SIZE``; the one used longest ago goes, its cookies too (R-RL2)."""
    cache = a_cache(clock, cache_size=2)
    for number in range(3):
        adopted(cache, clock, a_record(session_id=f"id-{number}", tokens=a_token()), f"s={number}")

    assert [number for number in range(3) if cache.get(f"id-{number}")] == [1, 2]
    assert [number for number in range(3) if cache.find(f"s={number}", secure=True)] == [1, 2]


def test_newer_version_forgets_the_cookies(clock: FakeClock) -> None:
    """After a refresh the old cookie goes the slow way, where the browser gets the new cookie."""
    cache = a_cache(clock)
    old = adopted(cache, clock, a_record(tokens=a_token()), "s=1")
    new = adopted(cache, clock, a_record(version=2, tokens=a_token(7200)))
    cache.remember("s=1", KnownRequest(old, FOR_APP, TAG), secure=True)

    assert cache.find("s=1", secure=True) is None
    assert cache.get(old.record.session_id) is new
    assert cache.adopt(old.record) is new


def test_note_keeps_what_failed(clock: FakeClock) -> None:
    """A version that only notes a use keeps the count of failed refreshes; one with new tokens forgets it."""
    cache = a_cache(clock)
    adopted(cache, clock, a_record(tokens=a_token())).failures = 3

    assert adopted(cache, clock, a_record(version=2, tokens=a_token())).failures == 3
    assert adopted(cache, clock, a_record(version=3, tokens=a_token(7200))).failures == 0


def test_revocation_outlives_size_and_versions(clock: FakeClock) -> None:
    """A revoked session comes back by no version, however many others are pushed through the cache (R-RL2)."""
    cache = a_cache(clock, cache_size=2, session_lifetime=100)
    revoked = adopted(cache, clock, a_record(tokens=a_token()), "s=1")
    cache.revoke(revoked.record.session_id)
    for number in range(10):
        adopted(cache, clock, a_record(session_id=f"id-{number}", tokens=a_token()))

    assert cache.find("s=1", secure=True) is None
    assert cache.adopt(a_record(version=99, tokens=a_token())) is None
    assert cache.is_revoked(revoked.record.session_id)
    clock.advance(201)  # Twice the lifetime: no cookie of it can come any more.
    assert not cache.is_revoked(revoked.record.session_id)


def test_pending_revocations_are_taken_once(clock: FakeClock) -> None:
    """The store is told of each missed logout once, some at a time."""
    cache = a_cache(clock)
    assert cache.add_pending_revocations([f"id-{number}" for number in range(4)])
    assert not cache.add_pending_revocations(["id-4"])

    taken = [*cache.take_pending_revocations(3), *cache.take_pending_revocations(3)]

    assert sorted(taken) == [f"id-{number}" for number in range(5)]
    assert cache.take_pending_revocations(3) == []


def test_state_is_used_once(clock: FakeClock) -> None:
    """While the store is out of reach, a state is used once in each process (R-AC6)."""
    cache = a_cache(clock)

    assert [cache.use_state_once("a"), cache.use_state_once("b"), cache.use_state_once("a")] == [True, True, False]


@pytest.mark.parametrize(
    ("lifetime_seconds", "stale_at", "refresh_at"),
    [(3600, 3540, 3595), (60, 30, 55), (20, 10, 18), (None, float("inf"), float("inf"))],
)
def test_times_of_a_token(lifetime_seconds: float | None, stale_at: float, refresh_at: float) -> None:
    """Stale within the leeway, half the lifetime at most; refreshed first within 5 s, a tenth at most."""
    cached = CachedSession(a_record(tokens=a_token(lifetime_seconds)), a_settings(), by_reference=False)

    assert (cached.stale_at - NOW, cached.refresh_at - NOW) == (stale_at, refresh_at)


def test_repr_shows_no_token() -> None:
    """Neither a token nor the id stands in the repr."""
    shown = repr(CachedSession(a_record(), a_settings(), by_reference=False))

    assert [secret for secret in ("session-1", "access-1", "refresh-1") if secret in shown] == []


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="this system knows no forks")
def test_fork_in_the_middle_of_a_change(clock: FakeClock) -> None:
    """A child keeps what its parent knew; where a thread was changing it at the fork, it begins empty."""
    cache = a_cache(clock)
    adopted(cache, clock, a_record(session_id="id", tokens=a_token()), "s=1")

    cache.after_fork_in_child()
    assert cache.get("id") is not None
    cache._lock.acquire()
    cache.after_fork_in_child()

    assert cache.get("id") is None
    assert cache.find("s=1", secure=True) is None
