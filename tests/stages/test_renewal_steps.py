"""The exchange under the lease, one step at a time: what is asked, written down, and told to whom."""

from __future__ import annotations

import dataclasses
import logging
import math
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.effects import HttpReply, LoadRecord, PostForm, SaveRecord
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages.records import seal_record
from fotoweb_middleware.stages.renewal import (
    REFRESH_STEP,
    Ended,
    NotNow,
    OperatorFault,
    Right,
    Usable,
    ask_fotoweb,
    back_off,
    cookie_copy,
    end_unless_newer,
    renew_under_lease,
    seconds_left,
    write_down,
)
from tests.flows.stepping import walked
from tests.fotoweb.samples import reply, success
from tests.site.samples import NOW, a_record
from tests.stages.turned import Clocks, a_turned_site

LEASE = Lease("k", "t", 7)
ALONE = Lease("k", "", 0)
RIGHT = Right(LEASE, 100.0)
DOWN = CacheUnavailable("down")


@pytest.fixture
def site(clocks: Clocks) -> Site:
    """Return a site that shares its cache with others."""
    return a_turned_site(clocks, shared_cache=True)


@pytest.fixture
def held(site: Site) -> Held:
    """Return a session whose token has expired."""
    return site.near.adopt(a_record(received_at=NOW - 7200, expires_at=NOW - 3600))


def kept(site: Site, version: int, **record: Any) -> Stored:
    """Return what the cache has of the session."""
    key = site.cache_key("session", "session-1")
    return Stored(seal_record(site, key, a_record(version=version, **record)), version)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the events in the log."""
    return [record.__dict__["fotoweb_event"] for record in caplog.records]


def test_cache_down_in_reference_mode(clocks: Clocks) -> None:
    """Where the cache alone carries the session and is down, FotoWeb is not asked."""
    site = a_turned_site(clocks, shared_cache=True, cookie_mode="reference")

    assert walked(renew_under_lease(site, a_record(), RIGHT), DOWN)[1] == NotNow(1.0, cache_is_down=True)


@pytest.mark.parametrize("stored", [Stored(None, 0), None])
def test_session_that_is_over_by_then(clocks: Clocks, stored: Stored | None) -> None:
    """A session that the cache buried, or lost where it alone had it, has ended."""
    site = a_turned_site(clocks, shared_cache=True, cookie_mode="reference")
    before = a_record()

    effects, renewal = walked(renew_under_lease(site, before, RIGHT), stored)

    assert renewal == Ended()
    assert [type(effect) for effect in effects] == [LoadRecord]


def test_buried_while_waiting(site: Site, held: Held) -> None:
    """A session that ended here while its lease was waited for is not renewed."""
    site.near.bury(held.record.session_id, 1000)

    _, renewal = walked(renew_under_lease(site, held.record, RIGHT), kept(site, 1))

    assert renewal == Ended()


NEWER_OR_NOT = pytest.mark.parametrize(
    ("version", "is_newer"),
    [(1 + REFRESH_STEP, True), (REFRESH_STEP, True), (2, False), (2 * REFRESH_STEP, False)],
    ids=["refresh", "refresh beside a note", "note", "many notes"],
)


def left_by_another(site: Site, held: Held, version: int, *, is_newer: bool) -> Stored:
    """Return what another process left in the cache: its refresh, or a note that the session was used."""
    record = a_record(version=version) if is_newer else dataclasses.replace(held.record, version=version)
    return Stored(seal_record(site, site.cache_key("session", record.session_id), record), version)


@NEWER_OR_NOT
def test_renewed_by_somebody_else(site: Site, held: Held, version: int, is_newer: bool) -> None:
    """Under the lease a token that somebody else got is taken; a note that the session was used is none."""
    right = Right(LEASE, -math.inf)  # So that nothing is asked where there is none.

    stored = left_by_another(site, held, version, is_newer=is_newer)
    _, renewal = walked(renew_under_lease(site, held.record, right), stored)

    newest = site.near.find("session-1")
    assert newest is not None
    assert renewal == (Usable(newest, was_renewed=True) if is_newer else NotNow(1.0))


@pytest.mark.parametrize(("ends_at", "asks"), [(10.0, True), (9.9, False)])
def test_held_up(site: Site, held: Held, ends_at: float, asks: bool) -> None:
    """FotoWeb is asked where its answer comes before the lease ends, however late that may be."""
    right = Right(LEASE, ends_at)
    replies = [success(), SaveOutcome.SAVED] if asks else []

    effects, _ = walked(renew_under_lease(site, held.record, right), kept(site, 1), *replies)

    assert any(isinstance(effect, PostForm) for effect in effects) is asks


def test_operator_fault(site: Site, held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal of the app itself is an error in the log and keeps the session."""
    answer = reply('{"error":"invalid_client"}', 401)

    _, renewal = walked(renew_under_lease(site, held.record, RIGHT), kept(site, 1), answer)

    assert renewal == OperatorFault("invalid_client")
    assert events(caplog) == ["operator_fault"]
    assert (held.live, held.operator_error, held.retry_at) == (True, "invalid_client", 1.0)


def test_refusal_that_the_cache_can_not_judge(site: Site, held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """With the cache down a refused session ends for this request alone, and is not tried again at once."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")

    assert walked(end_unless_newer(site, held, held.record), DOWN)[1] == Ended(is_certain=False)

    assert events(caplog) == ["session_refused"]
    assert (held.live, held.retry_at) == (True, 1.0)


@NEWER_OR_NOT
def test_refusal_of_an_old_token(site: Site, held: Held, version: int, is_newer: bool) -> None:
    """A refusal ends nothing where the cache has a newer token by now."""
    stored = left_by_another(site, held, version, is_newer=is_newer)
    replies = [stored] if is_newer else [stored, None]

    _, renewal = walked(end_unless_newer(site, held, held.record), *replies)

    newest = site.near.find("session-1")
    assert renewal == (Usable(newest, was_renewed=True) if is_newer and newest else Ended())
    assert site.near.is_buried("session-1") is not is_newer


def test_refusal_of_a_session_that_ended_here(site: Site, held: Held) -> None:
    """A session that was logged out meanwhile stays so, whatever newer token the cache has."""
    site.near.bury("session-1", 1000)

    _, renewal = walked(end_unless_newer(site, held, held.record), kept(site, 1 + REFRESH_STEP), None)

    assert renewal == Ended()


@pytest.mark.parametrize(("stored", "goes_on"), [(None, True), (Stored(None, 0), False)], ids=["nothing", "tombstone"])
def test_refusal_of_what_memory_alone_has_renewed(site: Site, held: Held, stored: Stored | None, goes_on: bool) -> None:
    """A newer token that came by a cookie meanwhile counts, though the cache has none; a tombstone ends it anyway."""
    refused = held.record
    site.near.adopt(a_record(version=1 + REFRESH_STEP))

    _, renewal = walked(end_unless_newer(site, held, refused), stored, *([] if goes_on else [None]))

    assert renewal == (Usable(held, was_renewed=True) if goes_on else Ended())
    assert site.near.is_buried(refused.session_id) is not goes_on


def test_asked_without_a_refresh_token(site: Site) -> None:
    """A session that lost its refresh token asks with an empty one, which FotoWeb refuses."""
    effects, tokens = walked(ask_fotoweb(site, a_record(refresh_token=None)), success(refresh_token=None))

    (effect,) = effects
    assert isinstance(effect, PostForm)
    assert dict(effect.fields)["refresh_token"] == ""
    assert not tokens.refresh_token


@pytest.mark.parametrize(("lease", "shown"), [(LEASE, LEASE), (ALONE, None)])
def test_what_is_written_down(site: Site, held: Held, lease: Lease, shown: Lease | None) -> None:
    """The result is saved a refresh further on, for as long as cookies may come, with the lease if others know it."""
    effects, renewal = walked(write_down(site, held, a_record().tokens, lease), SaveOutcome.SAVED)

    (effect,) = effects
    assert isinstance(effect, SaveRecord)
    assert (effect.version, effect.ttl_seconds, effect.create) == (1 + REFRESH_STEP, 43_260, True)
    assert effect.lease == shown
    assert renewal == Usable(held, was_renewed=True)
    assert held.current.is_saved is True


def test_written_down_without_the_cache(site: Site, held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """With the cache down the result is kept here, known as unsaved, and the log is told."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")

    walked(write_down(site, held, a_record().tokens, LEASE), DOWN)

    assert held.current.is_saved is False
    assert events(caplog) == ["cache_down", "refreshed"]


@pytest.mark.parametrize("outcome", [SaveOutcome.BURIED, SaveOutcome.MISSING])
def test_logout_that_came_meanwhile(site: Site, held: Held, outcome: SaveOutcome) -> None:
    """A tombstone in the cache wins over the result."""
    _, renewal = walked(write_down(site, held, a_record().tokens, LEASE), outcome)

    assert renewal == Ended()
    assert site.near.is_buried("session-1")


@pytest.mark.parametrize("is_there", [True, False])
def test_somebody_else_was_newer(site: Site, held: Held, is_there: bool) -> None:
    """Where the cache has a newer version by then, that one is taken; where it is buried, the session has ended."""
    newer = kept(site, 1 + 2 * REFRESH_STEP) if is_there else Stored(None, 0)

    effects, renewal = walked(write_down(site, held, a_record().tokens, LEASE), SaveOutcome.NEWER, newer)

    assert [type(effect) for effect in effects] == [SaveRecord, LoadRecord]
    if is_there:
        assert isinstance(renewal, Usable)
        assert (renewal.was_renewed, renewal.held.record.version) == (True, 1 + 2 * REFRESH_STEP)
    else:
        assert renewal == Ended()


def test_somebody_else_was_newer_and_the_cache_went_down(site: Site, held: Held) -> None:
    """Where the cache has a newer version and then goes down, the session lives on, and this request waits."""
    held.by_handle = True

    _, renewal = walked(write_down(site, held, a_record().tokens, LEASE), SaveOutcome.NEWER, DOWN)

    assert renewal == NotNow(1.0, cache_is_down=True)


def test_waits_grow(site: Site, held: Held, clocks: Clocks) -> None:
    """The next try waits 1, 2, 4 and then 8 seconds, or as long as FotoWeb asked."""
    clocks.monotonic = 50.0

    waits = [back_off(site, held, None).retry_after_seconds for _ in range(6)]

    assert waits == [1, 2, 4, 8, 8, 8]
    assert held.retry_at == 58
    assert back_off(site, held, 30.0) == NotNow(30.0)
    assert (held.failures, held.retry_at) == (7, 80)


@pytest.mark.parametrize("mode", ["sealed", "reference"])
@pytest.mark.parametrize("by_handle", [True, False, None])
def test_copy_in_the_cookie(clocks: Clocks, mode: str, by_handle: bool | None) -> None:
    """The cookie carries the session unless it is a handle; of a session not known here the mode tells."""
    site, record = a_turned_site(clocks, cookie_mode=mode), a_record()
    if by_handle is not None:
        site.near.adopt(record).by_handle = by_handle

    is_handle = mode == "reference" if by_handle is None else by_handle
    assert cookie_copy(site, record) == (None if is_handle else record)


@pytest.mark.parametrize(("passed_seconds", "left"), [(0, 43_260), (43_000, 260), (43_200, 60), (50_000, 60)])
def test_how_long_cookies_may_come(site: Site, clocks: Clocks, passed_seconds: float, left: float) -> None:
    """A session's entry outlives its cookies by a minute, and never counts backwards."""
    clocks.wall += passed_seconds

    assert seconds_left(site, a_record()) == left


def test_failure_keeps_the_session(site: Site, held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """A FotoWeb that asks for a pause gets it."""
    _, renewal = walked(renew_under_lease(site, held.record, RIGHT), kept(site, 1), HttpReply(503, "9", b""))

    assert renewal == NotNow(9.0)
    assert events(caplog) == ["refresh_failed"]
