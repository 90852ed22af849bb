"""What the running app sees of a wrong set-up: one warning an hour for each cause, counted."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable

import pytest
from anyio.from_thread import BlockingPortal

from fotoweb_middleware.events import Event
from fotoweb_middleware.setup_warnings import MANY_LOGINS, MANY_REFUSED
from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import NAVIGATION, Opening, Visited
from tests.behaviour.pairs import twin_of

OpenSite = Callable[..., Visited]
Warned = Callable[[], list[Event]]
WITHOUT_METADATA = {"Accept": "text/html"}
OTHER_KEY = "Qm7xW2vN9pLr4sTk8yBzC3dFgHj6aEeUiRoXtV1w"


@pytest.fixture
def heard() -> list[Event]:
    """Return what the callback keeps."""
    return []


@pytest.fixture
def warned(heard: list[Event]) -> Warned:
    """Return a function that returns the set-up warnings so far."""
    return lambda: [event for event in heard if event.name == "setup_warning"]


@pytest.fixture
def site(open_site: OpenSite, heard: list[Event]) -> Visited:
    """Return a site that tells of events."""
    return open_site(_on_event=heard.append)


def causes(events: list[Event]) -> list[str | float]:
    """Return what warnings are about."""
    return [event.fields["cause"] for event in events]


def second_process(opening: Opening, site: Visited, heard: list[Event], **changes: str) -> Visited:
    """Return another process of the same app, which shares nothing with the first but FotoWeb and the clock."""
    alone = dataclasses.replace(opening, address="memory://", fake=site.fake, clock=site.clock, on_event=heard.append)
    return dataclasses.replace(alone, changes=changes).open()


def test_nothing_is_wrong(site: Visited, warned: Warned) -> None:
    """A login, a day of use with refreshes, and a logout make no warning."""
    member = site.visitor()
    member.log_in()
    for _ in range(4):
        site.clock.advance(8_000)
        assert member.get("/").status == 200
    member.send("POST", "/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})

    assert warned() == []


# ------------------------------------------------------------------------------------------------------ once an hour


def test_once_an_hour(opening: Opening, site: Visited, heard: list[Event], warned: Warned) -> None:
    """A cause is told at once, then counted for an hour; the next line tells how often it was seen since."""
    member = second_process(opening, site, heard, secret_key=OTHER_KEY).visitor()
    member.log_in()
    foreigner = twin_of(member, site)
    for _ in range(5):
        foreigner.jar.cookies = dict(member.jar.cookies)
        foreigner.get("/")
    site.clock.advance(3599)
    foreigner.get("/")
    told = warned()
    site.clock.advance(1)
    foreigner.get("/")

    assert [(event.fields["cause"], event.fields["times"]) for event in told] == [("other_key", 1)]
    assert [(event.fields["cause"], event.fields["times"]) for event in warned()[1:]] == [("other_key", 6)]


def test_line(site: Visited, caplog: pytest.LogCaptureFixture) -> None:
    """The line names what is wrong and what to do, then the cause, on one line at WARNING."""
    site.visitor().jar.cookies = {}
    key = ("__Host-fotoweb", "/")
    visitor = site.visitor()
    visitor.jar.cookies[key] = "c2VhbGVkIGJ5IGFub3RoZXIga2V5"
    visitor.get("/")

    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage().startswith("set-up warning: no key in FOTOWEB_SECRET_KEY opens a session cookie")
    assert record.getMessage().endswith(" cause=other_key times=1")
    assert record.__dict__["fotoweb_cause"] == "other_key"


# ---------------------------------------------------------------------------------------------------------- addresses


def test_tls_that_the_app_is_not_told_of(open_site: OpenSite, heard: list[Event], warned: Warned) -> None:
    """Fetch metadata in what looks like http on a public host shows that browsers come by https."""
    site = open_site(_on_event=heard.append, _origin="http://app.test", redirect_uri=None)
    site.adapter.request("GET", "/", list(NAVIGATION.items()), b"")

    assert [dict(event.fields) for event in warned()] == [
        {"cause": "https_seen_as_http", "times": 1, "host": "app.test"}
    ]


@pytest.mark.parametrize(
    ("origin", "headers"),
    [("http://app.test", WITHOUT_METADATA), ("http://localhost", NAVIGATION), ("https://app.test", NAVIGATION)],
    ids=["plain http", "loopback", "https"],
)
def test_address_that_is_right(
    open_site: OpenSite, heard: list[Event], warned: Warned, origin: str, headers: dict[str, str]
) -> None:
    """Plain http without metadata, http on this machine, and https are what they look like."""
    site = open_site(_on_event=heard.append, _origin=origin, redirect_uri=None)
    assert site.adapter.request("GET", "/", list(headers.items()), b"").status == 302

    assert warned() == []


def test_redirect_uri_of_another_mount(open_site: OpenSite, heard: list[Event], warned: Warned) -> None:
    """A redirect URI below a sub-path that the app doesn't know is warned about."""
    site = open_site(_on_event=heard.append, redirect_uri="https://app.test/sub/oauth2/callback")
    site.visitor().visit("/")

    assert [dict(event.fields) for event in warned()] == [
        {"cause": "redirect_uri_mount", "times": 1, "path": "/oauth2/callback"}
    ]


def test_redirect_uri_of_the_mount(open_site: OpenSite, heard: list[Event], warned: Warned) -> None:
    """A mounted app whose redirect URI names the mount is right."""
    open_site(_on_event=heard.append, _mount="/sub").visitor().visit("/sub/")

    assert warned() == []


def test_probe_that_comes_past_the_proxy(open_site: OpenSite, heard: list[Event], warned: Warned) -> None:
    """What asks the app without its proxy, such as a health check, sees no sub-path: that is right for browsers."""
    site = open_site(_on_event=heard.append, redirect_uri="https://app.test/sub/oauth2/callback")
    assert site.visitor().send("GET", "/", {"Accept": "*/*"}).status == 302

    assert warned() == []


# ------------------------------------------------------------------------------------------------------------- logins


def begin_logins(site: Visited, count: int) -> None:
    """Let so many people go to FotoWeb."""
    for _ in range(count):
        site.visitor().visit("/")


def test_logins_that_never_come_back(site: Visited, warned: Warned) -> None:
    """Thirty logins without one that comes back, the first of them two minutes ago, are warned about."""
    begin_logins(site, MANY_LOGINS - 1)
    site.clock.advance(120)
    before = warned()
    begin_logins(site, 1)

    assert before == []
    assert causes(warned()) == ["logins_not_completed"]


def test_monitors_begin_logins(site: Visited, warned: Warned) -> None:
    """What asks for a page each minute and follows no redirect is no browser, and no sign of trouble."""
    for _ in range(2 * MANY_LOGINS):
        assert site.visitor().send("GET", "/", {"Accept": "*/*"}).status == 302
        site.clock.advance(60)

    assert warned() == []


def test_logins_that_come_back_to_another_process(site: Visited, warned: Warned) -> None:
    """A login may begin in one process and come back to another, so a run of twenty is no sign of trouble."""
    begin_logins(site, 10)
    site.clock.advance(120)
    begin_logins(site, 10)

    assert warned() == []


def test_many_logins_at_once(site: Visited, warned: Warned) -> None:
    """Many who go to FotoWeb at the same time may still be typing."""
    begin_logins(site, 3 * MANY_LOGINS)

    assert warned() == []


@pytest.mark.parametrize("deny", [False, True], ids=["code", "error"])
def test_one_login_comes_back(site: Visited, warned: Warned, deny: bool) -> None:
    """Whoever comes back from FotoWeb, with a code or with an error, shows that the way is open."""
    begin_logins(site, MANY_LOGINS - 2)
    visitor = site.visitor()
    url = site.fake.approve(visitor.visit("/").location, deny=deny)
    visitor.visit(url.removeprefix(site.origin), **{"Sec-Fetch-Site": "cross-site"})
    site.clock.advance(120)
    begin_logins(site, MANY_LOGINS - 1)

    assert warned() == []


# ---------------------------------------------------------------------------------------------------- stores, sessions


def test_store_that_is_not_shared(opening: Opening, site: Visited, heard: list[Event], warned: Warned) -> None:
    """A session that began while this process ran, and that its store does not hold, is another process's."""
    second = second_process(opening, site, heard)
    site.clock.advance(61)
    member = site.visitor()
    member.log_in()
    twin_of(member, second).get("/")

    assert causes(warned()) == ["store_not_shared"]


def test_restart_without_a_store(opening: Opening, site: Visited, heard: list[Event], warned: Warned) -> None:
    """After a restart sessions from before are missing in a store that is new: nothing is wrong with the set-up."""
    member = site.visitor()
    member.log_in()
    site.clock.advance(61)
    twin_of(member, second_process(opening, site, heard)).get("/")

    assert warned() == []


def test_more_people_than_the_memory_holds(
    opening: Opening, heard: list[Event], warned: Warned, caplog: pytest.LogCaptureFixture
) -> None:
    """A session in use that ``FOTOWEB_CACHE_SIZE`` pushed out of its only store names that setting, once."""
    small = dataclasses.replace(opening, address="memory://", changes={"cache_size": 1}, on_event=heard.append)
    site = small.open()
    members = [site.visitor(), site.visitor()]
    for member in members:
        member.log_in()
    for member in members * 2:
        member.get("/")

    assert causes(warned()) == ["cache_too_small"]
    assert "raise FOTOWEB_CACHE_SIZE" in caplog.text
    site.close()


def test_session_that_nobody_uses(opening: Opening, heard: list[Event], warned: Warned) -> None:
    """A session that was pushed out of memory and that nobody uses is no sign of anything."""
    small = dataclasses.replace(opening, address="memory://", changes={"cache_size": 1}, on_event=heard.append)
    site = small.open()
    first, second = site.visitor(), site.visitor()
    first.log_in()
    second.log_in()

    assert (second.get("/").status, warned()) == (200, [])
    site.close()


def test_wrong_clock(site: Visited, warned: Warned, caplog: pytest.LogCaptureFixture) -> None:
    """A clock that differs from FotoWeb's is told with what to do about it."""
    site.fake.switch(clock_skew_seconds=120)
    site.visitor().log_in()

    assert causes(warned()) == ["clock_differs"]
    assert "turn on time synchronisation (NTP)" in caplog.text


def test_token_that_another_used(site: Visited, warned: Warned) -> None:
    """A refresh token that FotoWeb issued a moment ago and refuses was used by somebody else."""
    site.fake.switch(access_token_lifetime_seconds=30)
    member = site.visitor()
    member.log_in()
    site.clock.advance(31)
    site.fake.fault("token", Fault.invalid_grant())
    member.get("/")

    assert causes(warned()) == ["store_not_shared"]


def test_token_refused_after_the_clock_went_back(site: Visited, warned: Warned) -> None:
    """Once this machine's clock was set back, tokens from before seem to be of the future, not of this moment."""
    member = site.visitor()
    member.log_in()
    site.wall.wrong_by_seconds = -3600
    site.fake.fault("token", Fault.invalid_grant())
    member.get("/")

    assert warned() == []


def test_worker_that_is_replaced(opening: Opening, site: Visited, heard: list[Event], warned: Warned) -> None:
    """A process begins when it is forked: what the worker before it kept in its memory alone is from before."""
    replacement = second_process(opening, site, heard)
    site.clock.advance(61)
    member = site.visitor()
    member.log_in()
    replacement.middleware._handler.context.warnings.after_fork_in_child()
    twin_of(member, replacement).get("/")

    assert warned() == []


def refuse_sessions(site: Visited, count: int, seconds: float) -> None:
    """End so many sessions by FotoWeb's refusal, so many seconds apart."""
    members = [site.visitor() for _ in range(count)]
    for member in members:
        member.log_in()
    site.clock.advance(30_000)
    for member in members:
        site.fake.fault("token", Fault.invalid_grant())
        member.get("/")
        site.clock.advance(seconds)


def test_many_sessions_refused(site: Visited, warned: Warned) -> None:
    """Ten sessions that FotoWeb refuses within a minute are a warning."""
    refuse_sessions(site, MANY_REFUSED, seconds=6)

    assert causes(warned()) == ["many_sessions_refused"]


@pytest.mark.parametrize(("count", "seconds"), [(MANY_REFUSED - 1, 0), (MANY_REFUSED, 7)], ids=["few", "slowly"])
def test_sessions_that_end_one_by_one(site: Visited, warned: Warned, count: int, seconds: float) -> None:
    """Fewer of them, or over a longer time, are everyday life."""
    refuse_sessions(site, count, seconds)

    assert warned() == []


# -------------------------------------------------------------------------------------------------------------- clocks


@pytest.mark.parametrize(("skew_seconds", "expected"), [(-90, -90), (3600, 3600), (59, None)])
def test_clocks(site: Visited, warned: Warned, skew_seconds: int, expected: int | None) -> None:
    """A clock of FotoWeb's that is more than a minute off is told at a login, with how far it is ahead."""
    site.fake.switch(clock_skew_seconds=skew_seconds)
    site.visitor().log_in()

    told = [event.fields["seconds_ahead"] for event in warned()]
    assert told == ([] if expected is None else [pytest.approx(expected, abs=1)])


# ----------------------------------------------------------------------------------------------- FotoWeb's request id


def test_upstream_request_id(site: Visited, heard: list[Event]) -> None:
    """A refusal of FotoWeb's tells the id that its answer has."""
    site.fake.fault("token", dataclasses.replace(Fault.invalid_client(), headers=(("X-Request-ID", "fw-17"),)))
    visitor = site.visitor()
    visitor.visit(visitor.approve(visitor.visit("/").location))

    assert [event.fields.get("upstream_request_id") for event in heard if event.name == "operator_fault"] == ["fw-17"]


# ------------------------------------------------------------------------------------------------------- the first line


def test_start_up_line(site: Visited, caplog: pytest.LogCaptureFixture) -> None:
    """The first request of a process writes what it is made of, once."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")
    for _ in range(2):
        site.visitor().visit("/")

    (line,) = [text for text in caplog.messages if text.startswith("fotoweb-middleware ")]
    assert "FotoWeb https://fotoweb.test, session store WatchedStore (memory://), cookie mode " in line
    assert line.endswith("public origin https://app.test")


def test_start_up_line_of_a_server(portal: BlockingPortal, caplog: pytest.LogCaptureFixture) -> None:
    """Under ASGI it is written when the server starts the app; the first request writes it no more."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")
    site = Opening("asgi", portal, "sealed").open()
    site.app.instead = lambda scope, receive, send: asyncio.sleep(0)
    portal.call(site.middleware, {"type": "lifespan"}, None, None)
    at_start = len(caplog.messages)
    site.visitor().visit("/")

    assert [at_start, len(caplog.messages)] == [1, 1]
