"""How much is logged, and what objects say of themselves: both middlewares in this process (T-LG-03 and T-LG-04)."""

from __future__ import annotations

import dataclasses
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import anyio.from_thread
import pytest

from fotoweb_middleware import Session, get_session
from fotoweb_middleware.session import SessionRecord, TokenSet
from tests.attacks.answers import refusal, reply
from tests.attacks.browser import state_of
from tests.attacks.in_process import open_site
from tests.attacks.scripted_fotoweb import CLIENT_SECRET, ScriptedFotoWeb
from tests.attacks.watched_site import watched_case
from tests.behaviour.kit import NAVIGATION, SECRET_KEY, Visited, Visitor
from tests.canary.listening import told
from tests.canary.objects import sayings

pytestmark = pytest.mark.parametrize("adapter", ["asgi", "wsgi"])

CALLBACKS = 500
STATE = "s" * 60_000
MOST_LOG_CHARACTERS = 1000
TAG = re.compile(r"session=[0-9a-f]{12}\b")
REQUEST_AS_IT_CAME = {"environ", "scope"}
"""Frames of any middleware show the request as the server handed it in; ``tests/canary`` says more."""


class Heard(logging.Handler):
    """Counts records and keeps what is told of events from INFO on; of other lines their lengths."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.characters: list[int] = []
        self.events: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        line = self.format(record)
        self.characters.append(len(line))
        if hasattr(record, "fotoweb_event") and record.levelno > logging.DEBUG:
            self.events.append((record.fotoweb_event, line))


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Return what our logger says at DEBUG."""
    logger, handler = logging.getLogger("fotoweb_middleware"), Heard()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False  # pytest would keep every line.
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.propagate = propagates


@pytest.fixture
def site(adapter: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb) -> Iterator[Visited]:
    """Return an app at the scripted FotoWeb; the oracles are held against what happens there."""
    with watched_case(fotoweb) as case:
        opened = open_site(adapter, portal, fotoweb, case=case, cookie_mode="reference", public_paths=("/open",))
        yield opened
        opened.close()


@pytest.fixture
def member(site: Visited, fotoweb: ScriptedFotoWeb) -> Visitor:
    """Return somebody who is logged in, with a token of an hour."""
    visitor = site.visitor(fotoweb.new_user())
    visitor.log_in()
    return visitor


# ------------------------------------------------------------------------------------------------------- objects


def secrets_of(member: Visitor, fotoweb: ScriptedFotoWeb) -> set[str]:
    """Return what no object may say."""
    cookies = set(member.jar.cookies.values())
    return {CLIENT_SECRET, SECRET_KEY, *cookies, *fotoweb.secrets_of(member.user_name)}


def test_objects(site: Visited, member: Visitor, fotoweb: ScriptedFotoWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither settings, nor the session that the app gets, nor an object of the middleware tells a secret (T-LG-03)."""
    sessions: list[Session] = []

    def keep(request: Any) -> Session | None:
        session = get_session(request)
        sessions.extend([session] if session else [])
        return session

    monkeypatch.setattr("tests.behaviour.adapters.get_session", keep)
    member.get("/")

    shown = [repr(site.settings), str(site.settings), repr(dataclasses.asdict(site.settings))]
    shown += [repr(sessions), str(sessions[0]), *(said for _, said in sayings(site.middleware))]
    text = "\n".join(shown)
    assert [secret[:6] for secret in secrets_of(member, fotoweb) if secret in text] == []
    assert not hasattr(sessions[0], "__dict__")  # vars() tells nothing.
    assert "refresh_token" not in dir(sessions[0])


@pytest.mark.parametrize("path", ["/", "/open"])
@pytest.mark.parametrize("is_known", [False, True])
def test_tracebacks(
    site: Visited, member: Visitor, fotoweb: ScriptedFotoWeb, monkeypatch: pytest.MonkeyPatch, is_known: bool, path: str
) -> None:
    """An error of the app leaves through frames of the middleware whose local variables tell no secret (T-LG-03)."""
    if is_known:
        member.get(path)

    def fail(**_seen: Any) -> bytes:
        raise LookupError("the app failed")

    monkeypatch.setattr(site.app, "tell", fail)
    with pytest.raises(LookupError) as raised:
        member.get(path)

    shown = locals_of(raised.value)
    assert shown
    text = "\n".join(shown)
    assert [secret[:6] for secret in secrets_of(member, fotoweb) if secret in text] == []
    assert records_in_frames_of(raised.value) == []


def records_in_frames_of(error: BaseException) -> list[str]:
    """Return the local variables of our frames that hold a session's secrets under names that no reporter redacts."""
    found = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for name, value in frame.f_locals.items() if "fotoweb_middleware" in frame.f_code.co_filename else ():
            values = value if isinstance(value, tuple) else (value,)
            found += [name for each in values if isinstance(each, (SessionRecord, TokenSet))]
    return found


def locals_of(error: BaseException) -> list[str]:
    """Return what the local variables of our frames say of themselves, but for the request as it came."""
    frames = [frame for _, frames in told(error) for frame in frames if "fotoweb_middleware" in frame.filename]
    return [said for frame in frames for name, said in (frame.locals or {}).items() if name not in REQUEST_AS_IT_CAME]


class Broken(Exception):
    """The server does not take a response."""


def failure(site: Visited, target: str, headers: list[tuple[str, str]]) -> tuple[Broken, str]:
    """Return the error of a server that fails as soon as a response begins, and the session cookie in that."""
    began: list[Any] = []

    def fail(*response: Any) -> Any:
        began.append(response)
        raise Broken

    async def send(message: Any) -> None:
        fail(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    adapter: Any = site.adapter
    if hasattr(adapter, "portal"):
        call = partial(adapter.portal.call, adapter.app, adapter.scope("http", "GET", target, headers), receive, send)
    else:
        call = partial(adapter.app, adapter.environ("GET", target, headers, b""), fail)
    with pytest.raises(Broken) as raised:
        call()
    return raised.value, re.findall("__Host-fotoweb=([^;]+)", str(began))[0]


@pytest.mark.parametrize("is_ours", [True, False], ids=["our answer", "the app's"])
def test_tracebacks_of_a_server_that_fails(
    adapter: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb, is_ours: bool
) -> None:
    """Where the server does not take a response, no frame tells the session cookie that comes with it (T-LG-03)."""
    site = open_site(adapter, portal, fotoweb, cookie_mode="sealed")
    visitor = site.visitor(fotoweb.new_user())
    if is_ours:
        target = visitor.approve(visitor.visit("/").location)
        headers = [*NAVIGATION.items(), *visitor.jar.header(target)]
    else:
        visitor.log_in()
        site.clock.advance(3601)
        target, headers = "/", [*NAVIGATION.items(), *visitor.jar.header("/")]

    error, cookie = failure(site, target, headers)
    site.close()

    assert cookie[:20] not in "\n".join(locals_of(error))


# --------------------------------------------------------------------------------------------------- how much


def test_hostile_callbacks(
    site: Visited, fotoweb: ScriptedFotoWeb, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callbacks with states of 60 KB are one event each, and less than 1 KB of log, DEBUG included (T-LG-04)."""
    monkeypatch.setattr("tests.behaviour.adapters.validator", lambda app: app)  # It would take most of the time.
    visitor = site.visitor(fotoweb.new_user())
    refused = [visitor.visit(f"/oauth2/callback?code=C&state={number}{STATE}").status for number in range(CALLBACKS)]

    assert set(refused) == {400}
    assert [event for event, _ in heard.events] == ["state_refused"] * CALLBACKS
    per_callback = len(heard.characters) // CALLBACKS
    assert per_callback * max(heard.characters) <= MOST_LOG_CHARACTERS


Happening = Callable[[Visited, Visitor], object]


def fail_to_refresh(answer: Any) -> Happening:
    """Return what makes a refresh of an expired token end so."""

    def happen(site: Visited, member: Visitor) -> None:
        site.fake.script(member.user_name, answer)  # type: ignore[attr-defined]  # It is the scripted one.
        site.clock.advance(3601)
        member.get("/")

    return happen


def refresh(site: Visited, member: Visitor) -> None:
    """Have an expired token refreshed."""
    site.clock.advance(3601)
    member.get("/")


def post(target: str, fetch_site: str) -> Happening:
    """Return a form that is sent."""
    return lambda _site, member: member.send("POST", target, {**NAVIGATION, "Sec-Fetch-Site": fetch_site})


def callback(query: str) -> Happening:
    """Return a callback; ``{state}`` is that of a login."""

    def happen(_site: Visited, member: Visitor) -> None:
        state = state_of(member.visit("/oauth2/login").location)
        member.visit(f"/oauth2/callback?{query.replace('{state}', state)}")

    return happen


EVENTS: dict[str, tuple[str, Happening]] = {
    "login": ("logged_in", lambda _site, member: member.visit(member.approve(member.visit("/oauth2/login").location))),
    "refresh": ("refreshed", refresh),
    "refresh refused": ("session_refused", fail_to_refresh(refusal(400, "invalid_grant"))),
    "refresh failed": ("refresh_failed", fail_to_refresh(reply(503))),
    "app refused": ("operator_fault", fail_to_refresh(refusal(401, "invalid_client"))),
    "logout": ("logged_out", post("/oauth2/logout", "same-origin")),
    "logout from elsewhere": ("cross_origin", post("/oauth2/logout", "same-site")),
    "form from elsewhere": ("cross_origin", post("/", "same-site")),
    "callback refused": ("state_refused", callback("code=C&state=x")),
    "error": ("login_refused", callback("error=access_denied&state={state}")),
    "code refused": ("login_failed", callback("code=C&state={state}")),
}
WITHOUT_SESSION = {"state_refused", "login_refused", "login_failed"}


@pytest.mark.parametrize("happening", EVENTS)
def test_one_record_an_event(site: Visited, member: Visitor, heard: Heard, happening: str) -> None:
    """Each event is one record, and names the session by a hash where there is one (T-LG-04, R-LG3)."""
    event, happen = EVENTS[happening]

    happen(site, member)

    ((found, line),) = heard.events
    assert (found, bool(TAG.search(line))) == (event, event not in WITHOUT_SESSION), line
