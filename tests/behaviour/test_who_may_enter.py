"""Who may enter: ``FOTOWEB_ALLOWED_USERS``, ``authorize`` and ``on_login``, at login and at a process's first sight."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable
from typing import Any

import anyio.from_thread
import anyio.lowlevel
import pytest

from fotoweb_middleware import Session
from fotoweb_middleware.testing import Fault, User
from tests.behaviour.kit import NAVIGATION, Opening, Reply, Visited, Visitor
from tests.behaviour.test_websocket import connect

OpenSite = Callable[..., Visited]
OUTSIDER = "carol"
DOMAIN = "@example.test"


@pytest.fixture(params=[("asgi", "sealed"), ("wsgi", "reference")], ids="-".join)
def open_site(request: pytest.FixtureRequest, portal: anyio.from_thread.BlockingPortal) -> OpenSite:
    """Return a function that opens a site with these settings, and with what the app gives."""

    def open_with(*, _callables: dict[str, Any] | None = None, _on_event: Any = None, **changes: Any) -> Visited:
        name, mode = request.param
        return Opening(name, portal, mode, changes, callables=_callables or {}, on_event=_on_event).open()

    return open_with


class Callback:
    """Something that the app gives: keeps the sessions it gets, and answers or raises what the test says."""

    def __init__(self, answer: object) -> None:
        self.answer: Any = answer
        self.sessions: list[Session] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, session: Session) -> Any:
        """Take a session."""
        self.sessions.append(session)
        self.meanwhile()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def awaited(self, session: Session) -> Any:
        """Take a session, as a task."""
        await anyio.lowlevel.checkpoint()
        return self(session)


def with_outsider(site: Visited) -> Visited:
    """Return a site to whose FotoWeb somebody of another domain may sign in."""
    site.fake.add_user(User(user_name=OUTSIDER, user_id=15099, full_name="Carol Dahl", email="carol@Elsewhere.test"))
    return site


def come_back(visitor: Visitor) -> Reply:
    """Sign in at FotoWeb, and return the callback's answer."""
    return visitor.visit(visitor.approve(visitor.visit("/x").location), **{"Sec-Fetch-Site": "cross-site"})


def restart(site: Visited, *allowed_users: str) -> None:
    """Start the app again with another list."""
    site.settings = dataclasses.replace(site.settings, allowed_users=allowed_users)
    site.restart()


def problem(reply: Reply) -> tuple[int, str]:
    """Return status and type of a problem document."""
    assert reply.header("Content-Type") == "application/problem+json"
    return reply.status, json.loads(reply.body)["type"]


NOT_ALLOWED = (403, "urn:fotoweb-middleware:not-allowed")


# ----------------------------------------------------------------------------------------------------------- the list


def test_the_list_from_login_to_removal(opening: Opening) -> None:
    """Who is of the listed domain enters, others see the 403 page; off the list and restarted, the first one too."""
    site = with_outsider(dataclasses.replace(opening, changes={"allowed_users": [DOMAIN]}).open())
    alice, carol = site.visitor("alice"), site.visitor(OUTSIDER)

    assert come_back(alice).location == "/x"
    assert alice.get("/").seen["user"] == "alice"
    refused = come_back(carol)
    assert (refused.status, refused.header("Content-Type")) == (403, "text/html; charset=utf-8")
    assert "You are signed in to FotoWeb as <bdi>Carol Dahl (carol)</bdi>, and this app admits only" in refused.text
    assert "Sign in as somebody else" in refused.text
    assert carol.get("/").status == 401

    restart(site, "bob")
    out = alice.visit("/x")
    assert out.status == 403
    assert "Alice Berg (alice)" in out.text
    assert alice.get("/").status == 401


def test_refused_login_leaves_nothing(open_site: OpenSite) -> None:
    """No session is in the store, no cookie in the browser, and the session it had before is as it was."""
    site = open_site(allowed_users=["alice"])
    visitor = site.visitor()
    visitor.log_in()
    before = {name for name in visitor.jar.names() if "attempts" not in name}
    saved = site.store.calls.count("save")
    visitor.user_name = "bob"

    assert come_back_to_login(visitor).status == 403
    assert {name for name in visitor.jar.names() if "attempts" not in name} == before
    assert site.store.calls.count("save") == saved
    assert visitor.get("/").seen["user"] == "alice"


def come_back_to_login(visitor: Visitor) -> Reply:
    """Sign in at FotoWeb though there is a session, and return the callback's answer."""
    sent = visitor.visit("/oauth2/login").location
    return visitor.visit(visitor.approve(sent), **{"Sec-Fetch-Site": "cross-site"})


def test_unknown_user(open_site: OpenSite) -> None:
    """Whom FotoWeb did not name does not enter, and is asked to try again; a second try that succeeds lets them in."""
    site = open_site(allowed_users=[DOMAIN])
    visitor = site.visitor()
    site.fake.fault("me", Fault.server_error(), times=1)

    refused = come_back(visitor)
    assert refused.status == 403
    assert "FotoWeb did not say who you are" in refused.text
    assert "/oauth2/login?next=%2Fx" in refused.text
    assert come_back(visitor).status == 302


# --------------------------------------------------------------------- a session that a process sees for the first time


@pytest.fixture
def removed(open_site: OpenSite) -> Visitor:
    """Return somebody whose session began before they were taken off the list."""
    site = open_site(public_paths=["/public"])
    visitor = site.visitor()
    visitor.log_in()
    restart(site, "bob")
    return visitor


def test_removed_fetch(removed: Visitor) -> None:
    """A fetch gets a problem document with 403, and no cookie is left; from then on nobody is signed in there."""
    calls = removed.site.app.calls  # type: ignore[attr-defined]

    assert problem(removed.get("/")) == NOT_ALLOWED
    assert not [name for name in removed.jar.names() if "login" not in name and "attempts" not in name]
    assert removed.get("/").status == 401
    assert removed.site.app.calls == calls  # type: ignore[attr-defined]


def test_removed_form(removed: Visitor) -> None:
    """A form that is sent gets the page, which leads to a login."""
    reply = removed.send("POST", "/", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})

    assert reply.status == 403
    assert 'href="/oauth2/login"' in reply.text


def test_removed_on_a_public_path(removed: Visitor) -> None:
    """A public path is reached without the session; no cookie goes into an answer that caches may keep."""
    reply = removed.visit("/public")

    assert reply.seen["user"] is None
    assert reply.all("Set-Cookie") == []
    assert removed.get("/").status == 401


def test_removed_where_login_is_optional(open_site: OpenSite) -> None:
    """Where a login is optional the app is reached without the session; who signs in again sees the page."""
    site = open_site(login="optional")
    visitor = site.visitor()
    come_back_to_login(visitor)
    restart(site, "bob")

    assert visitor.visit("/").seen["token"] is None
    assert come_back_to_login(visitor).status == 403


def test_removed_asks_for_the_status(removed: Visitor) -> None:
    """``PREFIX/session`` says at once that nobody is signed in."""
    assert removed.get("/oauth2/session").status == 401


def test_removed_is_out_everywhere(removed: Visitor) -> None:
    """The session is over in processes that knew it too: a copy of the cookie is worth nothing there."""
    site: Any = removed.site
    cookies = dict(removed.jar.cookies)
    removed.get("/")
    restart(site)
    removed.jar.cookies = cookies

    assert removed.get("/").status == 401


def test_removed_websocket(mode: str, portal: anyio.from_thread.BlockingPortal) -> None:
    """A WebSocket is refused before it is accepted: with 403, or the close code 4403."""
    site = Opening("asgi", portal, mode).open()
    visitor = site.visitor()
    for can_answer, expected in ((True, ("websocket.http.response.start", 403)), (False, ("websocket.close", 4403))):
        restart(site)
        visitor.log_in()
        restart(site, "bob")

        first = connect(visitor, can_answer=can_answer)[0]
        assert (first["type"], first.get("status", first.get("code"))) == expected
        visitor.jar.cookies.clear()


# ---------------------------------------------------------------------------------------------------------- authorize


@pytest.fixture
def authorize() -> Callback:
    """Return the app's callable, which says yes."""
    return Callback(True)


@pytest.fixture
def asking(open_site: OpenSite, authorize: Callback) -> Visited:
    """Return a site whose app is asked who may enter."""
    return open_site(_callables={"authorize": authorize})


def test_asked_once_by_each_process(asking: Visited, authorize: Callback) -> None:
    """The app is asked at login, and once after a restart; never for a session that is known or refreshed."""
    visitor = asking.visitor()
    visitor.log_in()
    for seconds in (0, 6, 30_000):
        asking.clock.advance(seconds)
        assert visitor.get("/").status == visitor.get("/oauth2/session").status == 200
    assert asking.refreshes == 1
    assert len(authorize.sessions) == 1

    asking.restart()
    for _ in range(3):
        asking.clock.advance(6)
        assert visitor.get("/").status == 200
    assert len(authorize.sessions) == 2


def test_session_that_the_app_gets(asking: Visited, authorize: Callback) -> None:
    """It has user and token, at login and later; after a restart a token that has expired is refreshed first."""
    visitor = asking.visitor()
    visitor.log_in()
    token = visitor.get("/").seen["token"]
    asking.clock.advance(30_000)
    asking.restart()
    renewed = visitor.get("/").seen["token"]

    at_login, later = authorize.sessions
    assert (at_login.access_token, at_login.fresh_token()) == (token, token)
    assert at_login.user is not None
    assert at_login.user == later.user
    assert (later.access_token, later.fresh_token()) == (renewed, renewed)
    assert renewed != token


def test_app_says_no(asking: Visited, authorize: Callback) -> None:
    """Who may not enter sees the page, which names ``authorize`` to the operator; a session seen first ends."""
    visitor = asking.visitor()
    visitor.log_in()
    authorize.answer = False
    asking.restart()

    assert problem(visitor.get("/")) == NOT_ALLOWED
    refused = come_back(visitor)
    assert (refused.status, "<code>authorize</code>" in refused.text) == (403, True)
    authorize.answer = True
    assert come_back(visitor).status == 302


def test_list_comes_first(open_site: OpenSite, authorize: Callback) -> None:
    """Who is not on the list is refused without asking the app."""
    site = open_site(allowed_users=["alice"], _callables={"authorize": authorize})

    assert come_back(site.visitor("bob")).status == 403
    assert authorize.sessions == []


@pytest.mark.parametrize("answer", [None, 1, "no", object()])
def test_answer_that_is_none(asking: Visited, authorize: Callback, answer: object) -> None:
    """Anything but True and False is an error, which lets nobody in: a coroutine is true too."""
    authorize.answer = answer

    with pytest.raises(TypeError, match=f"^authorize has to return True or False, not {type(answer).__name__}$"):
        come_back(asking.visitor())


def test_authorize_that_raises_at_login(asking: Visited, authorize: Callback) -> None:
    """Its error reaches the server, and there is no session; the next login is asked about anew."""
    visitor = asking.visitor()
    authorize.answer = ConnectionError("no database")
    with pytest.raises(ConnectionError, match="no database"):
        come_back(visitor)
    assert visitor.get("/").status == 401
    assert "save" not in asking.store.calls

    authorize.answer = True
    assert come_back(visitor).status == 302


def test_authorize_that_raises_later(asking: Visited, authorize: Callback) -> None:
    """Its error reaches the server, and the session lives on: the next request asks again."""
    visitor = asking.visitor()
    visitor.log_in()
    asking.restart()
    authorize.answer = ConnectionError("no database")
    for target in ("/", "/oauth2/session"):
        with pytest.raises(ConnectionError, match="no database"):
            visitor.get(target)

    authorize.answer = True
    assert visitor.get("/").seen["user"] == "alice"


# ----------------------------------------------------------------------------------------------------------- on_login


def test_on_login(open_site: OpenSite) -> None:
    """The app is told of each login that is let in, and of nothing else."""
    told = Callback("its answer does not matter")
    site = open_site(allowed_users=["alice"], _callables={"on_login": told})
    visitor = site.visitor()
    visitor.log_in()
    site.restart()
    visitor.get("/")
    come_back(site.visitor("bob"))

    (session,) = told.sessions
    assert session.user is not None
    assert (session.user.user_name, session.access_token) == ("alice", visitor.get("/").seen["token"])


def test_on_login_that_raises(open_site: OpenSite) -> None:
    """Its error reaches the server, and the login is not half done: nothing is saved, no cookie set."""
    told = Callback(ConnectionError("no database"))
    site = open_site(_callables={"on_login": told})
    visitor = site.visitor()

    with pytest.raises(ConnectionError, match="no database"):
        come_back(visitor)
    assert "save" not in site.store.calls
    assert visitor.get("/").status == 401
    told.answer = None
    assert come_back(visitor).status == 302


# ----------------------------------------------------------------------------------------------------------------- log


def test_what_is_told(open_site: OpenSite, caplog: pytest.LogCaptureFixture) -> None:
    """One warning for each login or session that is refused, with what refused; no name and no e-mail address."""
    heard: list[Any] = []
    site = open_site(allowed_users=["alice"], _on_event=heard.append)
    come_back(site.visitor("bob"))
    visitor = site.visitor()
    visitor.log_in()
    restart(site, "bob")
    heard.clear()
    visitor.get("/")

    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert lines[0] == "this user may not use the app cause=FOTOWEB_ALLOWED_USERS user=15022"
    assert [event.name for event in heard] == ["not_allowed", "session_ended"]
    assert heard[0].session == heard[1].session is not None
    assert heard[0].fields == {"cause": "FOTOWEB_ALLOWED_USERS", "user": 15021}
    assert heard[1].fields == {"reason": "not_allowed"}
    assert len(lines) == 2
