"""Jobs as the user, in another process over the same store: ``session.ticket()`` and ``session_from_ticket``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import anyio.from_thread
import pytest

from fotoweb_middleware import FotoWebUnreachable, Session, SessionEnded
from fotoweb_middleware.context import Context
from fotoweb_middleware.live_session import session_of_ticket
from fotoweb_middleware.refresh import Refresher
from fotoweb_middleware.stores import MemoryStore
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb, Fault
from tests.behaviour.kit import (
    CALLBACK,
    FETCH,
    SECRET_KEY,
    InlineExecutor,
    Opening,
    Visited,
    Visitor,
    is_accepted,
    session_of,
)
from tests.behaviour.watched import WatchedStore

TOKEN_SECONDS = 3600
LATER = TOKEN_SECONDS + 1
OpenTicket = Callable[..., Session]
OTHER_KEY = "Lq7mT2xVd9WbKs4nRz8CfGh3JpYuXe6aNoQi5tEw"


@pytest.fixture
def site(adapter: str, mode: str, store_address: str, portal: anyio.from_thread.BlockingPortal) -> Visited:
    """Return a site whose tokens live for an hour."""
    clock = FakeClock()
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock, pause=lambda _: None)
    fake.switch(access_token_lifetime_seconds=TOKEN_SECONDS, refresh_reuse_revokes=True)
    return Opening(adapter, portal, mode, address=store_address, fake=fake, clock=clock).open()


@pytest.fixture
def member(site: Visited) -> Visitor:
    """Return somebody who is signed in."""
    visitor = site.visitor()
    visitor.log_in()
    return visitor


@pytest.fixture
def ticket(member: Visitor) -> str:
    """Return a ticket that the app asked for while it answered a request."""
    return session_of(member).ticket()


@pytest.fixture
def open_ticket(site: Visited) -> OpenTicket:
    """Return what opens tickets in another process over the same store, with other settings where it is told so."""
    refreshers: dict[str, Refresher] = {}

    def open_it(text: str, **changes: Any) -> Session:
        key = repr(changes)
        if key not in refreshers:
            settings = dataclasses.replace(site.settings, **changes)
            given: dict[str, Any] = {"store": site.store, "transport": site.transport, "executor": InlineExecutor()}
            refreshers[key] = Refresher(Context(settings, clock=site.wall, monotonic=site.clock, **given))
        return session_of_ticket(refreshers[key], text)

    return open_it


def test_a_job_has_the_session(member: Visitor, ticket: str, open_ticket: OpenTicket) -> None:
    """The job knows whose session it is, and has a token that FotoWeb accepts."""
    session = open_ticket(ticket)

    assert session.user is not None
    assert session.user.user_name == "alice"
    assert is_accepted(member, session.access_token)
    assert session.fresh_token() == session.access_token


def test_a_ticket_shows_nothing(member: Visitor, ticket: str) -> None:
    """A ticket is short, and holds neither the token nor the user's name in clear."""
    assert len(ticket) < 300
    assert member.get("/").seen["token"] not in ticket
    assert "alice" not in ticket


def test_a_job_refreshes_for_the_browser_too(
    site: Visited, member: Visitor, ticket: str, open_ticket: OpenTicket
) -> None:
    """A job long after the token's end gets a new one; the browser goes on with that one, without a refresh."""
    site.clock.advance(LATER)
    session = open_ticket(ticket)

    assert is_accepted(member, session.access_token)
    assert member.get("/").seen["token"] == session.access_token
    assert site.refreshes == 1


def test_a_job_gets_what_the_browser_refreshed(
    site: Visited, member: Visitor, ticket: str, open_ticket: OpenTicket
) -> None:
    """An old ticket gives the newest token; the job's own session gets newer ones as a stream's does."""
    site.clock.advance(LATER)
    token = member.get("/").seen["token"]
    session = open_ticket(ticket)
    site.clock.advance(LATER)

    assert session.access_token == token
    assert is_accepted(member, session.fresh_token())
    assert member.get("/").status == 200
    assert site.refreshes == 2


def test_a_job_refreshes_nothing_in_the_background(site: Visited, ticket: str, open_ticket: OpenTicket) -> None:
    """A stale token is used as it is: a process that ends with its job would take the new tokens along."""
    site.clock.advance(TOKEN_SECONDS - 30)
    session = open_ticket(ticket)
    session.fresh_token()

    assert site.refreshes == 0


def test_a_ticket_ends_with_a_logout(site: Visited, member: Visitor, ticket: str, open_ticket: OpenTicket) -> None:
    """After a logout neither the ticket nor a session that it gave before brings a token."""
    session = open_ticket(ticket)
    member.send("POST", "/oauth2/logout", {"Origin": "https://app.test"})
    site.clock.advance(6)  # A process looks every FOTOWEB_CACHE_RECHECK seconds.

    with pytest.raises(SessionEnded):
        open_ticket(ticket)
    with pytest.raises(SessionEnded):
        session.fresh_token()


def test_a_ticket_ends_where_fotoweb_says_so(site: Visited, ticket: str, open_ticket: OpenTicket) -> None:
    """Where FotoWeb refuses the refresh, the job learns that the session is over."""
    site.fake.revoke_everything()
    site.clock.advance(LATER)

    with pytest.raises(SessionEnded):
        open_ticket(ticket)


def test_a_ticket_ends_with_the_lifetime(site: Visited, ticket: str, open_ticket: OpenTicket) -> None:
    """A ticket lives as long as its session may."""
    site.clock.advance(site.settings.session_lifetime + 1)

    with pytest.raises(SessionEnded):
        open_ticket(ticket)


def test_fotoweb_is_away(site: Visited, ticket: str, open_ticket: OpenTicket) -> None:
    """While the token is valid a job needs no FotoWeb; later it is told to try again, and the session lives on."""
    site.fake.fault("token", Fault.server_error())
    open_ticket(ticket)
    site.clock.advance(LATER)
    with pytest.raises(FotoWebUnreachable) as refused:
        open_ticket(ticket)
    assert refused.value.retry_after_seconds is not None
    site.fake.clear_faults()
    site.clock.advance(60)

    assert open_ticket(ticket).user is not None


def test_the_store_is_away(site: Visited, ticket: str, open_ticket: OpenTicket) -> None:
    """A process that does not know the session yet is told to try again."""
    site.store.is_down = True

    with pytest.raises(FotoWebUnreachable, match="store"):
        open_ticket(ticket)


def test_a_store_that_others_do_not_see(site: Visited, ticket: str, open_ticket: OpenTicket) -> None:
    """Where the session is only in the memory of another process, the error names the setting."""
    site.store = WatchedStore(MemoryStore(10, site.clock))

    with pytest.raises(SessionEnded, match="FOTOWEB_CACHE"):
        open_ticket(ticket)


@pytest.mark.parametrize("change", [{"secret_key": OTHER_KEY}, {"cookie_name": "other"}, {"client_id": "other"}])
def test_other_settings(ticket: str, open_ticket: OpenTicket, change: dict[str, Any]) -> None:
    """A ticket of another app does not open, and the error names the settings that have to be the same."""
    with pytest.raises(ValueError, match="FOTOWEB_SECRET_KEY") as refused:
        open_ticket(ticket, **change)
    assert ticket not in str(refused.value)


def test_rotated_keys(ticket: str, open_ticket: OpenTicket) -> None:
    """A ticket under an older key still opens."""
    newer = f"{OTHER_KEY},{SECRET_KEY}"

    assert open_ticket(ticket, secret_key=newer).user is not None


def test_no_ticket(member: Visitor, ticket: str, open_ticket: OpenTicket) -> None:
    """An altered ticket, a cookie and anything else are no tickets."""
    cookies = [pair.partition("=")[2] for _, header in member.jar.header("/") for pair in header.split("; ")]
    swapped = ticket[:-1] + ("A" if ticket[-1] != "A" else "B")
    for text in ["", "é", "x" * 300_000, swapped, *cookies]:
        with pytest.raises(ValueError, match="no ticket"):
            open_ticket(text)


def test_a_ticket_is_no_cookie(site: Visited, member: Visitor, ticket: str) -> None:
    """A ticket in place of the session cookie lets nobody in."""
    names = member.jar.names()
    cookie = "; ".join(f"{name}={ticket}" for name in names)

    assert names
    assert site.adapter.request("GET", "/", [*FETCH.items(), ("Cookie", cookie)]).status == 401
