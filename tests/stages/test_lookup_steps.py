"""Stage 2, one step at a time: when memory answers, what a cookie carries, and who looks."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.cookies.content import write_handle, write_record
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.effects import AwaitLease, Detach, LoadRecord, TakeLease
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages.first_sight import SessionCookie, is_within
from fotoweb_middleware.stages.lookup import (
    Found,
    NoSession,
    Presented,
    look_once,
    lookup,
    lookup_now,
    open_cookie,
    present,
)
from fotoweb_middleware.stages.records import CacheDown, seal_record
from tests.flows.stepping import walked
from tests.site.samples import NOW, a_record, a_request
from tests.stages.turned import Clocks, a_turned_site

ID = "session-1"
LEASE = Lease("k", "", 0)
LIFETIME = 43_200.0
RECORD = a_record()


@pytest.fixture
def site(clocks: Clocks) -> Site:
    """Return a site that shares its cache with others, with an idle limit of 1,000 seconds."""
    return a_turned_site(clocks, shared_cache=True, session_idle=1000.0)


def shown(site: Site, payload: bytes) -> Presented:
    """Return a browser that shows this, sealed as a session."""
    bare = present(site, a_request())
    value = site.sealer.seal(payload, Purpose.SESSION, name=bare.names.session)
    return present(site, a_request(cookie=f"{bare.names.session}={value}"))


def kept(site: Site, version: int) -> Stored:
    """Return what the cache has of the session."""
    return Stored(seal_record(site, site.cache_key("session", ID), a_record(version=version)), version)


def known(site: Site) -> tuple[Held, Presented]:
    """Return a session whose cookie was opened before."""
    presented = shown(site, write_record(RECORD))
    _, found = walked(lookup(site, presented), LEASE, kept(site, 1))
    assert isinstance(found, Found)
    return found.held, presented


@pytest.mark.parametrize(
    ("wall", "monotonic", "answers"),
    [
        (49, 4.9, True),
        (50, 4.9, False),
        (49, 5.0, False),
        (-1000, 4.9, True),
    ],
)
def test_answered_from_memory(site: Site, clocks: Clocks, wall: float, monotonic: float, answers: bool) -> None:
    """Memory answers until a note is due, or the shared cache is to be asked again."""
    held, presented = known(site)
    clocks.wall, clocks.monotonic = NOW + wall, monotonic

    assert lookup_now(site, presented) == (Found(held, 1) if answers else None)


@pytest.mark.parametrize(("wall", "answers"), [(LIFETIME - 1, True), (LIFETIME, False)])
def test_memory_and_the_lifetime(clocks: Clocks, wall: float, answers: bool) -> None:
    """Memory does not answer once the lifetime is over."""
    site = a_turned_site(clocks, shared_cache=True)
    held, presented = known(site)
    clocks.wall += wall

    assert lookup_now(site, presented) == (Found(held, 1) if answers else None)


def test_nothing_to_look_for(site: Site) -> None:
    """Without a cookie nobody is logged in, and no effect is needed to tell."""
    assert isinstance(lookup_now(site, present(site, a_request())), NoSession)
    assert lookup_now(site, shown(site, write_record(RECORD))) is None


@pytest.mark.parametrize(("wall", "within"), [(0, True), (LIFETIME, False), (LIFETIME - 1, True), (-LIFETIME, True)])
def test_lifetime_of_a_cookie(site: Site, wall: float, within: bool) -> None:
    """A cookie counts until its session's end, and not from further ahead than two lifetimes."""
    assert is_within(site, NOW + LIFETIME, NOW + wall) is within
    assert not is_within(site, NOW + LIFETIME, NOW - LIFETIME - 1)


def test_cookie_that_carries_the_session(site: Site) -> None:
    """A sealed session is read with its version, and ends a lifetime after its login."""
    presented = shown(site, write_record(RECORD))

    assert open_cookie(site, presented) == SessionCookie(ID, NOW + LIFETIME, RECORD, 1)


def test_cookie_that_was_opened_before(site: Site) -> None:
    """A known cookie says the same without being opened again."""
    _, presented = known(site)

    assert open_cookie(site, presented) == SessionCookie(ID, NOW + LIFETIME, RECORD, 1)


@pytest.mark.parametrize("by_old_key", [False, True])
def test_handle(clocks: Clocks, by_old_key: bool) -> None:
    """A handle has its own end and no version; under an old key its version is below any, so it is written anew."""
    old, new = "OLDvYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq", "NEWvYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq"
    sealing = a_turned_site(clocks, secret_key=old if by_old_key else new)
    reading = a_turned_site(clocks, secret_key=f"{new},{old}")

    presented = shown(sealing, write_handle(ID, NOW + 7))

    assert open_cookie(reading, presented) == SessionCookie(ID, NOW + 7, None, 0 if by_old_key else None)


def test_known_handle(clocks: Clocks) -> None:
    """A handle that was seen before is known as a handle, and looked up as one."""
    site = a_turned_site(clocks, shared_cache=True, cookie_mode="reference")
    presented = shown(site, write_handle(ID, NOW + LIFETIME))

    _, found = walked(lookup(site, presented), LEASE, kept(site, 3))

    assert isinstance(found, Found)
    assert (found.held.by_handle, found.cookie_version, found.held.record.version) == (True, None, 3)
    assert open_cookie(site, presented) == SessionCookie(ID, NOW + LIFETIME, None, None)
    assert lookup_now(site, presented) == found


def test_neither_session_nor_handle(site: Site) -> None:
    """What we sealed and can't read, as another release may have, is no session."""
    assert open_cookie(site, shown(site, b'["x9"]')) is None
    assert open_cookie(site, present(site, a_request())) is None


@pytest.mark.parametrize("stored", [Stored(None, 0), None])
def test_session_that_is_over(clocks: Clocks, stored: Stored | None) -> None:
    """A handle whose session was buried or lost is none."""
    site = a_turned_site(clocks, shared_cache=True)

    _, found = walked(lookup(site, shown(site, write_handle(ID, NOW + 10))), LEASE, stored)

    assert found == NoSession()


def test_session_that_was_buried_elsewhere(site: Site) -> None:
    """A session of which the cache says, when it is told of it again, that it was buried, is none."""
    _, found = walked(lookup(site, shown(site, write_record(RECORD))), LEASE, None, SaveOutcome.BURIED)

    assert found == NoSession()


def test_session_that_was_buried_here(site: Site) -> None:
    """A session that this process buried is none, and nobody is asked."""
    site.near.bury(ID, 1000)

    assert walked(lookup(site, shown(site, write_record(RECORD)))) == ([], NoSession())


def test_cookie_that_is_too_old(site: Site, clocks: Clocks) -> None:
    """A cookie after its lifetime is none, and nobody is asked."""
    presented = shown(site, write_record(RECORD))
    clocks.wall += LIFETIME

    assert walked(lookup(site, presented)) == ([], NoSession())


def test_idle_for_too_long(site: Site, clocks: Clocks) -> None:
    """A session that idled for too long is none, whatever its lifetime."""
    presented = shown(site, write_record(RECORD))
    clocks.wall += 1000

    assert walked(lookup(site, presented), LEASE, kept(site, 1))[1] == NoSession()


def test_handle_while_the_cache_is_down(site: Site) -> None:
    """A handle that can't be looked up says so."""
    _, found = walked(lookup(site, shown(site, write_handle(ID, NOW + 10))), LEASE, CacheUnavailable("down"))

    assert found == CacheDown()


def a_look(site: Site, version: int | None = 1) -> Any:
    """Return the flow of one look at the cache."""
    record = a_record(version=version) if version else None
    return look_once(site, SessionCookie(ID, NOW + LIFETIME, record, version))


def test_one_looks(site: Site) -> None:
    """Who gets the turn asks the cache, in a flow that outlives the request."""
    effects, held = walked(a_look(site), LEASE, kept(site, 2))

    assert [type(effect) for effect in effects] == [TakeLease, Detach, LoadRecord]
    assert effects[0].local_only
    assert effects[0].ttl_seconds == 3
    assert effects[1].lease == LEASE
    assert held.record.version == 2


@pytest.mark.parametrize(
    ("version", "known_version", "recheck_at", "asks"),
    [(1, 1, 5.0, False), (1, 2, 5.0, False), (2, 1, 5.0, True), (1, 1, 0.0, True), (None, 1, 5.0, False)],
)
def test_others_wait(site: Site, version: int | None, known_version: int, recheck_at: float, asks: bool) -> None:
    """Who waited takes what was found, where it is as new as the cookie and was looked up just now."""
    held = site.near.adopt(a_record(version=known_version))
    held.recheck_at = recheck_at

    effects, _ = walked(a_look(site, version), None, 0.1, *([kept(site, 2)] if asks else []))

    assert [type(effect) for effect in effects] == [TakeLease, AwaitLease, *([LoadRecord] if asks else [])]
    assert effects[1].at_most_seconds == 3
    assert effects[0].key == effects[1].key


def test_nothing_was_found_while_waiting(site: Site) -> None:
    """Who waited for nothing looks itself."""
    effects, held = walked(a_look(site), None, 0.1, kept(site, 1))

    assert [type(effect) for effect in effects] == [TakeLease, AwaitLease, LoadRecord]
    assert len({effects[0].key, effects[2].key, None}) == 3
    assert held.record.version == 1


def test_own_cache_needs_no_turn(clocks: Clocks) -> None:
    """A cache of this process is asked at once."""
    effects, _ = walked(a_look(a_turned_site(clocks)), None)

    assert [type(effect) for effect in effects] == [LoadRecord]


@pytest.mark.parametrize("cookie", ["{0}=a; {0}=b", "{0}-login-x=a", "{0}-trail=a", "a=b"])
def test_no_session_cookie(site: Site, cookie: str) -> None:
    """Where no session cookie came, or two that differ, there is none."""
    names = present(site, a_request()).names

    assert present(site, a_request(cookie=cookie.format(names.session))).raw is None


def test_kinds_of_cookies(site: Site) -> None:
    """Parts of the session, logins and the count of logins are told apart."""
    name = present(site, a_request()).names.session
    presented = present(site, a_request(cookie=f"{name}=a; {name}.1=b; {name}-login-x=c; {name}-trail=d"))

    assert presented.session_parts == {name: "a", f"{name}.1": "b"}
    assert presented.logins == {f"{name}-login-x": "c"}
