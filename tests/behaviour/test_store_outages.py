"""A shared store that is out of reach, or was emptied: nobody is signed out while their token is valid."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

import anyio.from_thread
import pytest

from fotoweb_middleware import records
from fotoweb_middleware.errors import LockUnanswered
from fotoweb_middleware.stores.memory import MemoryStore
from tests.behaviour.kit import NAVIGATION, Opening, Visited, Visitor
from tests.behaviour.pairs import Pair, twin_of

LIFETIME, STALE, LAST_SECONDS, EXPIRED = 300, 250, 297, 301
TROUBLE_SECONDS = 60

Begin = Callable[[Visited], None]


@pytest.fixture
def pair(adapter: str, mode: str, portal: anyio.from_thread.BlockingPortal) -> Pair:
    """Return the same app on two machines that share a store; a refresh token that was replaced is refused."""
    opening = Opening(adapter, portal, mode, shared=True)
    here = opening.open()
    here.fake.switch(access_token_lifetime_seconds=LIFETIME)
    return here, replace(opening, store=here.store, fake=here.fake, clock=here.clock).open()


@pytest.fixture
def site(pair: Pair) -> Visited:
    """Return one of the machines."""
    return pair[0]


@pytest.fixture
def member(site: Visited) -> Visitor:
    """Return somebody who is signed in, and known."""
    visitor = site.visitor()
    visitor.log_in()
    assert visitor.get("/").status == 200
    return visitor


def go_down(site: Visited) -> None:
    """Let the store be out of reach."""
    site.store.is_down = True


def be_emptied(site: Visited) -> None:
    """Let the store forget everything, as a Redis does that is started again."""
    site.store._store = MemoryStore(1000, site.clock)


def be_emptied_and_go_down(site: Visited) -> None:
    """Let it be started again, and go away for good."""
    be_emptied(site)
    go_down(site)


def fail_once(site: Visited) -> None:
    """Let one call fail: that of somebody who comes back from a login."""
    visitor = site.visitor("bob")
    callback = visitor.approve(visitor.visit("/").location)
    site.store.is_down = True
    visitor.visit(callback)
    site.store.is_down = False


# ---------------------------------------------------------------------------------------------------- ahead of time


def test_nothing_is_refreshed_ahead_of_time(site: Visited, member: Visitor) -> None:
    """While the store is out of reach a valid token is used as it is: another machine may do the same just now."""
    token = member.get("/").seen["token"]
    site.clock.advance(STALE)
    assert site.refreshes == 0
    site.store.is_down = True

    replies = [member.get("/") for _ in range(3)]

    assert site.refreshes == 0
    if site.settings.cookie_mode == "reference":
        assert {reply.status for reply in replies} == {503}  # The store alone knows whether it is still a session.
        return
    assert [reply.seen["token"] for reply in replies] == [token] * 3
    assert [header for reply in replies for header in reply.all("Set-Cookie")] == []


def test_nor_within_a_minute_after(site: Visited, member: Visitor) -> None:
    """Nor within a minute after a call failed: what another machine did meanwhile may not be in the store yet."""
    fail_once(site)
    site.clock.advance(STALE - 10)
    fail_once(site)
    site.clock.advance(10)

    assert member.get("/").status == 200
    assert site.refreshes == 0
    site.clock.advance(TROUBLE_SECONDS - 20)
    assert (member.get("/").status, site.refreshes) == (200, 0)


def test_ahead_of_time_again_later(site: Visited, member: Visitor) -> None:
    """More than a minute after, stale tokens are refreshed as ever."""
    site.clock.advance(STALE - TROUBLE_SECONDS - 1)
    fail_once(site)
    site.clock.advance(TROUBLE_SECONDS + 1)

    assert member.get("/").status == 200
    assert (member.get("/").status, site.refreshes) == (200, 1)


def test_expired_token_is_refreshed(site: Visited, member: Visitor) -> None:
    """An expired token is refreshed all the same where the cookie can carry the new one; else it is 503."""
    token = member.get("/").seen["token"]
    site.store.is_down = True
    site.clock.advance(EXPIRED)

    reply = member.get("/")

    if site.settings.cookie_mode == "reference":
        assert (reply.status, reply.all("Set-Cookie"), site.refreshes) == (503, [], 0)
        return
    assert (reply.seen["token"] != token, site.refreshes) == (True, 1)
    assert member.get("/").seen["token"] == reply.seen["token"]


# --------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("begin", [go_down, be_emptied, be_emptied_and_go_down, fail_once])
def test_refusal_that_the_store_does_not_confirm(site: Visited, member: Visitor, begin: Begin) -> None:
    """It ends nothing while the token is valid, and takes no cookie from the browser."""
    site.fake.revoke_everything()
    site.clock.advance(LAST_SECONDS)
    begin(site)
    cookies = dict(member.jar.cookies)

    replies = [member.get("/") for _ in range(3)]

    expected = 200
    if site.settings.cookie_mode == "reference" and begin is not fail_once:
        expected = 401 if begin is be_emptied else 503  # The store alone held it.
    assert {reply.status for reply in replies} == {expected}
    assert member.jar.cookies == cookies
    assert site.refreshes <= 1


def test_refusal_after_the_token_has_expired(site: Visited, member: Visitor) -> None:
    """Once it has expired the person logs in again; the cookie stays, since it may be good for another machine."""
    site.fake.revoke_everything()
    site.store.is_down = True
    site.clock.advance(EXPIRED)
    cookies = dict(member.jar.cookies)

    reply = member.get("/")

    assert reply.status == (401 if site.settings.cookie_mode == "sealed" else 503)
    assert member.jar.cookies == cookies


@pytest.mark.parametrize("begin", [go_down, be_emptied, be_emptied_and_go_down])
def test_older_cookie_at_the_other_machine(pair: Pair, member: Visitor, begin: Begin) -> None:
    """One machine has refreshed, the store lost it, the other gets the older cookie: neither session ends by that."""
    here, there = pair
    if here.settings.cookie_mode == "reference":
        return  # There is one cookie, and the store alone holds the session.
    older = twin_of(member, there)
    assert older.get("/").status == 200
    here.clock.advance(STALE)
    member.get("/")
    newest = member.get("/").seen["token"]
    assert here.refreshes == 1
    begin(here)
    here.clock.advance(LAST_SECONDS - STALE)

    replies = [older.get("/") for _ in range(3)]

    assert [reply.status for reply in replies] == [200] * 3
    assert [header for reply in replies for header in reply.all("Set-Cookie") if "Max-Age=0" in header] == []
    assert member.get("/").seen["token"] == newest
    assert twin_of(member, there).get("/").seen["token"] == newest


def test_restarted_empty_and_then_gone(pair: Pair, member: Visitor) -> None:
    """A store that comes back empty and goes away again ends no session, for as long as its token is valid."""
    here, there = pair
    if here.settings.cookie_mode == "reference":
        return
    for site in (here, there):
        twin_of(member, site).get("/")
    be_emptied(here)
    statuses = []
    for seconds in range(0, LIFETIME - 10, 7):
        if seconds > 14:
            go_down(here)
        here.clock.advance(7)
        statuses += [twin_of(member, site).get("/").status for site in (here, there)]

    assert set(statuses) == {200}
    assert here.refreshes == 0


# --------------------------------------------------------------------------------------------------------------- log


def test_log_of_an_outage(site: Visited, caplog: pytest.LogCaptureFixture) -> None:
    """An outage is one line when it begins and one when it is over; no session is said to have ended that goes on."""
    visitors = [site.visitor(name) for name in ("alice", "bob")]
    for visitor in visitors:
        visitor.log_in()
    caplog.set_level(logging.INFO, "fotoweb_middleware")
    caplog.clear()
    site.store.is_down = True
    for seconds in (STALE, LAST_SECONDS - STALE, EXPIRED - LAST_SECONDS, STALE, 10, 10, 10):
        site.clock.advance(seconds)
        for visitor in visitors:
            visitor.get("/")
    site.store.is_down = False
    site.clock.advance(10)
    assert {visitor.get("/").status for visitor in visitors} == {200}

    began, ended = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
    assert ("is failing" in began, "works again" in ended) == (True, True)
    assert "session ended" not in caplog.text


def test_log_of_a_refusal_that_ends_nothing(site: Visited, member: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """What is said of a refusal that the store can't confirm is that the session is kept; and not at every request."""
    if site.settings.cookie_mode == "reference":
        return
    caplog.set_level(logging.INFO, "fotoweb_middleware")
    caplog.clear()
    site.fake.revoke_everything()
    site.store.is_down = True
    site.clock.advance(LAST_SECONDS)

    assert [member.get("/").status for _ in range(5)] == [200] * 5
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert ("session kept" in line, "ended" in line) == (True, False)


def test_logout_is_told_without_another_request(
    open_site: Callable[..., Visited], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A logout that the store missed is told to it a little later, though nobody asks this process anything more."""
    told = threading.Event()
    monkeypatch.setattr(records, "TELL_AGAIN_SECONDS", 0.01)
    site = open_site()
    member = site.visitor()
    member.log_in()
    site.store.is_down = True
    member.send("POST", "/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})
    site.store.is_down = False
    site.store.before("revoke", told.set)

    assert told.wait(20)


def test_lock_granted_to_nobody(adapter: str, mode: str, portal: anyio.from_thread.BlockingPortal) -> None:
    """A lock that the store grants when the one who asked has given up keeps nobody waiting once the store is back."""
    opening = Opening(adapter, portal, mode, {"cache_recheck": 0, "http_timeout": 1}, shared=True)
    here = opening.open()
    here.fake.switch(access_token_lifetime_seconds=LIFETIME)
    there = replace(opening, store=here.store, fake=here.fake, clock=here.clock).open()
    visitor = here.visitor()
    visitor.log_in()
    (key,) = here.store.session_keys

    def grant_in_silence() -> None:
        lock = here.store._store.acquire_lock(key, ttl_seconds=10 * LIFETIME)
        assert lock is not None
        here.store.is_down = True
        raise LockUnanswered("no answer in time", key=key, owner=lock.owner)

    here.store.before("acquire_lock", grant_in_silence)
    here.clock.advance(EXPIRED)
    during = visitor.get("/").status
    here.store.is_down = False
    here.clock.advance(2)
    after = visitor.get("/").status
    here.clock.advance(EXPIRED)

    assert (during, after, twin_of(visitor, there).get("/").status) == (200 if mode == "sealed" else 503, 200, 200)
