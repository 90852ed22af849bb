"""Tokens for work that outlives its request: ``session.fresh_token()`` and ``await session.afresh_token()``."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import anyio.from_thread
import httpx
import pytest

from fotoweb_middleware import FotoWebUnreachable, Session, SessionEnded
from fotoweb_middleware.client import FotoWebAuth
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb, Fault
from tests.behaviour.kit import CALLBACK, FOTOWEB, Opening, Visited, Visitor, is_accepted, session_of

TOKEN_SECONDS = 3600
LATER = TOKEN_SECONDS + 1
LEEWAY_SECONDS = 60

OpenSite = Callable[..., Visited]
Fresh = Callable[[Session], str]


@pytest.fixture
def open_site(adapter: str, mode: str, portal: anyio.from_thread.BlockingPortal) -> OpenSite:
    """Return a function that opens a site whose tokens live for an hour."""

    def open_with(**changes: Any) -> Visited:
        clock = FakeClock()
        fake = FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock, pause=lambda _: None)
        fake.switch(access_token_lifetime_seconds=TOKEN_SECONDS)
        return Opening(adapter, portal, mode, changes=changes, fake=fake, clock=clock).open()

    return open_with


@pytest.fixture
def member(open_site: OpenSite) -> Visitor:
    """Return somebody who is signed in."""
    visitor = open_site().visitor()
    visitor.log_in()
    return visitor


@pytest.fixture(params=["blocking", "awaited"])
def fresh(request: pytest.FixtureRequest, portal: anyio.from_thread.BlockingPortal) -> Fresh:
    """Return one of the two ways to a fresh token."""
    if request.param == "blocking":
        return lambda session: session.fresh_token()
    return lambda session: portal.call(session.afresh_token)


def test_fresh_token_is_handed_out_as_it_is(member: Visitor, fresh: Fresh) -> None:
    """While the token is fresh, FotoWeb is not asked."""
    session = session_of(member)

    assert fresh(session) == session.access_token
    assert member.site.refreshes == 0


def test_expired_token_is_refreshed(member: Visitor, fresh: Fresh) -> None:
    """Once the token has expired there is a new one that FotoWeb takes, through three expiries."""
    session, tokens = session_of(member), set[str]()
    for _ in range(3):
        member.site.clock.advance(LATER)
        token = fresh(session)
        tokens.add(token)
        assert is_accepted(member, token)

    assert len(tokens | {session.access_token}) == 4
    assert member.site.refreshes == 3


def test_the_browser_goes_on_with_the_new_token(member: Visitor, fresh: Fresh) -> None:
    """What a stream refreshed is what the next request carries: there is no second refresh."""
    session = session_of(member)
    member.site.clock.advance(LATER)
    token = fresh(session)

    assert member.get("/").seen["token"] == token
    assert member.site.refreshes == 1


def test_stale_token_is_handed_out_and_refreshed_behind(member: Visitor, fresh: Fresh) -> None:
    """A stale token is still valid: it comes at once, and a refresh begins."""
    session = session_of(member)
    member.site.clock.advance(TOKEN_SECONDS - LEEWAY_SECONDS + 1)

    assert fresh(session) == session.access_token
    for refresh in list(member.site.middleware._handler.refresher._in_flight.values()):
        refresh.result(20)
    assert member.site.refreshes == 1
    assert fresh(session) != session.access_token


def test_after_a_logout_there_is_none(member: Visitor, fresh: Fresh) -> None:
    """A session that was signed out gives no token, also where the one at hand is still valid."""
    session = session_of(member)
    assert member.send("POST", "/oauth2/logout").status == 200

    with pytest.raises(SessionEnded):
        fresh(session)


def test_refused_refresh_ends_it(member: Visitor, fresh: Fresh) -> None:
    """Where FotoWeb refuses the refresh token, the session is over."""
    session = session_of(member)
    member.site.fake.revoke_everything()
    member.site.clock.advance(LATER)

    with pytest.raises(SessionEnded):
        fresh(session)


def test_unreachable_fotoweb(member: Visitor, fresh: Fresh) -> None:
    """Where FotoWeb is out of reach and the token has expired, the error says for how long; then it works again."""
    session = session_of(member)
    member.site.fake.fault("token", Fault.server_error(), times=1)
    member.site.clock.advance(LATER)

    with pytest.raises(FotoWebUnreachable) as caught:
        fresh(session)
    assert caught.value.retry_after_seconds is not None
    member.site.clock.advance(10)
    assert fresh(session) != session.access_token


def test_lifetime_ends_it(member: Visitor, fresh: Fresh) -> None:
    """A session past its lifetime gives no token."""
    session = session_of(member)
    member.site.clock.advance(43_200)

    with pytest.raises(SessionEnded):
        fresh(session)


def test_it_counts_as_use(open_site: OpenSite, fresh: Fresh) -> None:
    """A stream that asks for tokens keeps a session with an idle limit open."""
    member = open_site(session_idle=600).visitor()
    member.log_in()
    session = session_of(member)
    for _ in range(4):
        member.site.clock.advance(400)
        fresh(session)

    assert member.get("/").status == 200


def test_valid_token_while_the_store_is_away(member: Visitor, fresh: Fresh) -> None:
    """A token that is valid is handed out while the store is out of reach, also one that came by a refresh."""
    session = session_of(member)
    member.site.clock.advance(LATER)
    token = fresh(session)
    member.site.clock.advance(10)
    member.site.store.is_down = True  # type: ignore[attr-defined]

    assert fresh(session) == token


def test_expired_token_while_the_store_is_away(open_site: OpenSite, fresh: Fresh) -> None:
    """In reference mode only the store has the session: with an expired token there is none for now."""
    member = open_site(cookie_mode="reference").visitor()
    member.log_in()
    session = session_of(member)
    member.site.clock.advance(LATER)
    member.site.store.is_down = True  # type: ignore[attr-defined]

    with pytest.raises(FotoWebUnreachable, match="store"):
        fresh(session)


def test_app_that_fotoweb_refuses(member: Visitor, fresh: Fresh) -> None:
    """Where FotoWeb refuses the app itself, the error names the code; the session lives on."""
    session = session_of(member)
    member.site.fake.fault("token", Fault.invalid_client(), times=1)
    member.site.clock.advance(LATER)

    with pytest.raises(FotoWebUnreachable, match="invalid_client"):
        fresh(session)
    member.site.clock.advance(10)
    assert is_accepted(member, fresh(session))


def test_session_that_memory_and_store_forgot(open_site: OpenSite, fresh: Fresh) -> None:
    """A stream that has refreshed keeps what it got: forgotten elsewhere, the session is refreshed with its newest."""
    site = open_site(cache_size=1)
    member, other = site.visitor(), site.visitor("bob")
    member.log_in()
    session = session_of(member)
    site.clock.advance(LATER)
    fresh(session)
    other.log_in()  # Memory and the memory:// store have room for one.
    other.get("/")
    site.clock.advance(LATER)

    if site.settings.cookie_mode == "sealed":
        assert is_accepted(member, fresh(session))
    else:
        with pytest.raises(SessionEnded):  # In reference mode the store was the session.
            fresh(session)


def test_logout_during_the_refresh(member: Visitor, fresh: Fresh) -> None:
    """A logout that comes while a refresh fails wins, although the old token is still valid."""
    session = session_of(member)
    member.site.clock.advance(TOKEN_SECONDS - 3)
    member.site.fake.fault("token", Fault.server_error(), times=1)
    context = member.site.middleware._handler.context
    (session_id,) = context.session_cache._sessions
    member.site.fake.on_token = lambda _record: context.session_cache.revoke(session_id)

    with pytest.raises(SessionEnded):
        fresh(session)


def test_resource_that_is_always_refused(member: Visitor) -> None:
    """Where FotoWeb's API refuses new tokens too, fifty calls cost one refresh, until a minute has passed."""
    session = session_of(member)

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401)

    with httpx.Client(
        auth=FotoWebAuth(session), base_url=session.fotoweb_url, transport=httpx.MockTransport(answer)
    ) as client:
        assert {client.get("/x").status_code for _ in range(50)} == {401}
        assert member.site.refreshes == 1
        member.site.clock.advance(61)
        client.get("/x")
        assert member.site.refreshes == 2


def test_it_names_the_site(member: Visitor) -> None:
    """``fotoweb_url`` is the site's address, for ``base_url``."""
    assert session_of(member).fotoweb_url == FOTOWEB


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, dataclasses.replace])
def test_a_copy_is_the_session(member: Visitor, fresh: Fresh, duplicate: Callable[[Session], Session]) -> None:
    """A copy is as good as the session: it gets newer tokens too."""
    session = session_of(member)
    copied = duplicate(session)
    member.site.clock.advance(LATER)

    assert copied == session
    assert is_accepted(member, fresh(copied))
    assert dataclasses.asdict(session)["user"]["user_name"] == "alice"


def test_a_session_is_not_pickled(member: Visitor) -> None:
    """A pickle would carry the token in clear; the refusal says what to do instead, and shows no token."""
    session = session_of(member)

    with pytest.raises(TypeError, match=r"session\.ticket\(\)") as refused:
        pickle.dumps(session)
    assert session.access_token not in str(refused.value)
