"""What ``on_event`` and log records are told of a session's life, of FotoWeb and of the store."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from fotoweb_middleware.events import KINDS, Event, EventName
from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import FETCH, AsgiAdapter, Opening, Visited, Visitor

ELSEWHERE = {**FETCH, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}
OpenSite = Callable[..., Visited]


class Heard(list[Event]):
    """A callback that keeps each event.

    Attributes:
        undeclared: Fields that came and are not on the page about events.
    """

    def __init__(self) -> None:
        super().__init__()
        self.undeclared: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self.append(event)
        self.undeclared |= set(event.fields) - set(KINDS[event.name].fields)

    def take(self) -> list[Event]:
        """Return the events so far, and forget them."""
        taken = list(self)
        self.clear()
        return taken

    def names(self) -> list[str]:
        """Return the names of the events so far, and forget them."""
        return [event.name for event in self.take()]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Return the callback; in the end, no event may have had a field that is not declared."""
    heard = Heard()
    yield heard
    assert heard.undeclared == set()


@pytest.fixture
def site(open_site: OpenSite, heard: Heard) -> Visited:
    """Return a site that tells it of events."""
    return open_site(_on_event=heard)


def test_login(site: Visited, visitor: Visitor, heard: Heard) -> None:
    """A login is told when it begins and when it is complete, with the user and the session's tag."""
    visitor.log_in()

    started, logged_in = heard
    assert (started.name, started.session) == ("login_started", None)
    assert (logged_in.name, logged_in.level, set(logged_in.fields)) == ("logged_in", logging.INFO, {"user"})
    assert re.fullmatch("[0-9a-f]{12}", logged_in.session or "")


def test_refresh_and_logout(site: Visited, member: Visitor, heard: Heard) -> None:
    """A refresh, a logout and the session's end carry the tag that the login had."""
    tag = heard.take()[-1].session
    site.clock.advance(30_000)
    member.get("/")
    member.send("POST", "/oauth2/logout", FETCH)

    told = heard.take()
    assert [event.name for event in told] == ["refreshed", "logged_out", "session_ended"]
    assert {event.session for event in told} == {tag}
    assert told[-1].fields == {"reason": "logout"}


def test_logout_twice(site: Visited, member: Visitor, heard: Heard) -> None:
    """A session ends once, however often its cookie comes to log out."""
    cookies = dict(member.jar.cookies)
    member.send("POST", "/oauth2/logout", FETCH)
    member.jar.cookies = cookies
    member.send("POST", "/oauth2/logout", FETCH)

    names = heard.names()
    assert (names.count("logged_out"), names.count("session_ended")) == (2, 1)


def test_refused_refresh(site: Visited, member: Visitor, heard: Heard) -> None:
    """A refresh token that FotoWeb refuses ends the session, and the event says so."""
    site.clock.advance(30_000)
    site.fake.fault("token", Fault.invalid_grant())
    heard.clear()
    member.get("/")

    refused, ended = heard
    assert (refused.name, ended.name, ended.fields) == ("session_refused", "session_ended", {"reason": "refused"})


def test_login_again(site: Visited, member: Visitor, heard: Heard) -> None:
    """A new login in the same browser ends the old session, under its own tag."""
    first = heard.take()[-1].session
    member.visit(member.approve(member.visit("/oauth2/login").location), **{"Sec-Fetch-Site": "cross-site"})

    _, ended, logged_in = heard
    assert (ended.name, ended.session, ended.fields) == ("session_ended", first, {"reason": "replaced"})
    assert logged_in.session != first


def test_failed_logins(site: Visited, visitor: Visitor, heard: Heard) -> None:
    """A callback that is refused, and a code that FotoWeb refuses, are told with their cause."""
    visitor.visit("/oauth2/callback?code=c&state=s")
    site.fake.fault("token", Fault.oauth_error("invalid_grant", 400))
    visitor.visit(visitor.approve(visitor.visit("/").location))

    refused, _, failed = heard
    assert (refused.name, refused.fields) == ("state_refused", {"cause": "no_cookies"})
    assert failed.name == "login_failed"
    assert "invalid_grant" in str(failed.fields["cause"])


def test_cross_origin(site: Visited, member: Visitor, heard: Heard) -> None:
    """A request that another origin sent is told with method, path and origin."""
    heard.clear()
    member.send("POST", "/a?secret=1", ELSEWHERE)

    (event,) = heard
    assert event.name == "cross_origin"
    assert event.fields == {"method": "POST", "path": "/a", "origin": "https://evil.test"}


def test_store_outage(site: Visited, visitor: Visitor, heard: Heard) -> None:
    """The store's trouble is told when it begins and when it is over, with its length in seconds."""
    site.store.is_down = True
    visitor.visit(visitor.approve(visitor.visit("/").location))
    site.clock.advance(7)
    site.store.is_down = False
    site.visitor().log_in()

    told = {event.name: event for event in heard}
    assert told[EventName.STORE_LOST].fields["operation"] == "use_once"
    assert told[EventName.STORE_BACK].fields == {"seconds": 7.0}


def test_circuit(site: Visited, heard: Heard) -> None:
    """Five calls in a row without an answer are told once, and so is the next answer."""
    members = [site.visitor() for _ in range(8)]
    for member in members:
        member.log_in()
    site.clock.advance(30_000)
    site.fake.switch(reachable=False)
    heard.clear()
    for member in members:
        member.get("/")
    names = heard.names()
    site.clock.advance(3)
    site.fake.switch(reachable=True)
    for member in members[-2:]:
        member.get("/")

    assert names.count("circuit_open") == 1
    assert [event.fields["seconds"] for event in heard if event.name == "circuit_closed"] == [3.0]


def test_known_session(site: Visited, member: Visitor, heard: Heard) -> None:
    """Requests of a session that is known and fresh are no events."""
    heard.clear()
    assert [member.get("/").status for _ in range(3)] == [200] * 3

    assert heard == []


# ------------------------------------------------------------------------------------------------------- request ids


def test_given_request_id(site: Visited, member: Visitor, heard: Heard) -> None:
    """Events carry the request's ``X-Request-ID``, those of a refresh in another thread too."""
    site.clock.advance(30_000)
    heard.clear()
    member.get("/", **{"X-Request-ID": "req-1"})

    assert [(event.name, event.request_id) for event in heard] == [("refreshed", "req-1")]


def test_refresh_after_the_answer(site: Visited, member: Visitor, heard: Heard) -> None:
    """A refresh that runs after the answer names the request that began it."""
    site.clock.advance(28_790)
    heard.clear()
    member.get("/", **{"X-Request-ID": "req-2"})

    assert [(event.name, event.request_id) for event in heard] == [("refreshed", "req-2")]


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 129, "a\u00e9"])
def test_request_id_of_our_own(site: Visited, member: Visitor, heard: Heard, given: str | None) -> None:
    """Where there is none, or none that is harmless, all events of a request carry a random one of its own."""
    heard.clear()
    headers = FETCH if given is None else {**FETCH, "X-Request-ID": given}
    member.send("POST", "/oauth2/logout", headers)
    first = {event.request_id for event in heard.take()}
    member.visit("/oauth2/login")

    (own,) = first
    assert re.fullmatch("[0-9a-f]{16}", own or "")
    assert {event.request_id for event in heard}.isdisjoint(first)


# --------------------------------------------------------------------------------------------------------- callbacks


def test_failing_callback(open_site: OpenSite, caplog: pytest.LogCaptureFixture) -> None:
    """A callback that raises breaks no request, and is logged once."""

    def fail(event: Event) -> None:
        raise LookupError("the callback failed")

    site = open_site(_on_event=fail)
    assert site.visitor().log_in().status == 302

    (record,) = [record for record in caplog.records if record.getMessage().startswith("on_event failed")]
    assert record.exc_info is not None
    assert record.exc_info[0] is LookupError


def test_async_callback(portal: BlockingPortal, heard: Heard) -> None:
    """Each event is awaited on the event loop, in order, by the time the request is over."""

    async def on_event(event: Event) -> None:
        heard(event)

    Opening("asgi", portal, "sealed", on_event=on_event).open().visitor().log_in()

    assert heard.names() == ["login_started", "logged_in"]


def test_async_callback_after_the_answer(portal: BlockingPortal) -> None:
    """The answer is sent before an async callback runs."""
    order: list[str] = []

    async def on_event(event: Event) -> None:
        order.append(event.name)

    async def send(message: dict[str, Any]) -> None:
        order.append(message["type"])

    site = Opening("asgi", portal, "sealed", on_event=on_event).open()
    assert isinstance(site.adapter, AsgiAdapter)
    portal.call(site.middleware, site.adapter.scope("http", "GET", "/", [("Accept", "text/html")]), None, send)

    assert order == ["http.response.start", "http.response.body", "login_started"]


def test_failing_async_callback(portal: BlockingPortal, caplog: pytest.LogCaptureFixture) -> None:
    """An async callback that raises breaks no request, and is logged once."""

    async def fail(event: Event) -> None:
        raise LookupError("the callback failed")

    assert Opening("asgi", portal, "sealed", on_event=fail).open().visitor().log_in().status == 302
    assert len([text for text in caplog.messages if text.startswith("on_event failed")]) == 1


def test_async_callable_object(site: Visited) -> None:
    """WSGI refuses a callable whose ``__call__`` is async, at construction; ASGI takes it."""

    class Listener:
        async def __call__(self, event: Event) -> None:
            """Take an event."""

    FotoWebASGIMiddleware(site.app.serve_asgi, site.settings, store=site.store, on_event=Listener())
    with pytest.raises(TypeError, match="no event loop"):
        FotoWebWSGIMiddleware(site.app.serve_wsgi, site.settings, store=site.store, on_event=Listener())


# --------------------------------------------------------------------------------------------------------- log records


def test_extra_fields(site: Visited, member: Visitor, caplog: pytest.LogCaptureFixture, heard: Heard) -> None:
    """A record carries the event's parts as attributes that begin with ``fotoweb_``, for JSON formatters."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")
    heard.clear()
    member.send("POST", "/a", {**ELSEWHERE, "X-Request-ID": "req-3"})

    (event,) = heard
    (record,) = [record for record in caplog.records if "fotoweb_event" in record.__dict__]
    assert {name: value for name, value in vars(record).items() if name.startswith("fotoweb_")} == {
        "fotoweb_event": "cross_origin",
        "fotoweb_session": event.session,
        "fotoweb_request_id": "req-3",
        "fotoweb_method": "POST",
        "fotoweb_path": "/a",
        "fotoweb_origin": "https://evil.test",
    }
