"""The middleware is transparent, and looks at WebSockets before the app does, on every server (T-RC-07, T-RC-08)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, Settings
from tests.attacks.answers import good, refusal, reply
from tests.attacks.attacked import EVERY_SERVER, IN_REFERENCE_MODE, AttackedServer
from tests.attacks.browser import XHR, Browser
from tests.attacks.conftest import Serve
from tests.attacks.connections import OpenConnection, handshake
from tests.attacks.inner_pages import APP_COOKIES, CLOSED, FIRST_PART, TROUBLE
from tests.attacks.oracles import Case
from tests.attacks.scripted_fotoweb import CLIENT_ID, CLIENT_SECRET, ScriptedFotoWeb
from tests.attacks.set_cookies import is_ours
from tests.servers.echo_app import CHUNKS, chunk
from tests.servers.pacer import Pacer
from tests.servers.serving import ASGI_SERVERS, SECRET_KEY, Kind

ON_EVERY_SERVER = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)
CLOSE_SECONDS = 10.0


@pytest.fixture
def expired(browser: Browser) -> Browser:
    """Return somebody whose token has expired."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    assert browser.xhr("/").status == 200
    browser.fotoweb.heal(browser.user)
    return browser


# ---------------------------------------------------------------------------------------------------------- WebSockets


@ON_EVERY_SERVER
def test_websocket_with_an_expired_token(case: Case, expired: Browser) -> None:
    """The token is refreshed before the handshake is answered; to a WSGI server it is a plain GET (T-RC-07)."""
    old = case.fotoweb.secrets_of(expired.user)
    with OpenConnection(expired, "GET", "/ws", handshake(case.server.kind)) as connection:
        if case.server.kind.adapter == "wsgi":
            seen = connection.read_reply().seen
        else:
            assert connection.read_reply().status == 101
            seen = json.loads(connection.read_message())

    assert seen["token"] == seen["session_token"]
    assert seen["token"].startswith(f"at.{expired.user}.")
    assert (seen["token"] in old, expired.posts) == (False, 2)
    assert expired.xhr("/").seen["token"] == seen["token"]


@ON_EVERY_SERVER
@pytest.mark.parametrize(
    ("answer", "status"),
    [(reply(503), 503), (refusal(401, "invalid_client"), 502), (refusal(400, "invalid_grant"), 401)],
    ids=["503", "invalid_client", "invalid_grant"],
)
def test_websocket_without_a_refresh(case: Case, expired: Browser, answer: Any, status: int) -> None:
    """Where the refresh fails the handshake is refused, and the app is not called (T-RC-07)."""
    case.fotoweb.script(expired.user, answer)
    calls = case.calls

    with OpenConnection(expired, "GET", "/ws", handshake(case.server.kind)) as connection:
        assert connection.read_reply().status == status

    assert case.calls == calls


# -------------------------------------------------------------------------------------------------------- transparency


@ON_EVERY_SERVER
def test_chunks_are_not_held_back(expired: Browser) -> None:
    """Beside a refreshed cookie, the app makes each of ten chunks only when the one before has arrived (T-RC-08)."""
    with Pacer() as pacer, OpenConnection(expired, "GET", f"/stream?pacer={pacer.port}", XHR) as connection:
        for number in range(CHUNKS):
            connection.read_until(chunk(number))
            if number < CHUNKS - 1:
                pacer.next()

    assert expired.posts == 2


@ON_EVERY_SERVER
def test_cookies_are_not_folded(case: Case, expired: Browser) -> None:
    """Three cookies of the app's arrive as three, in order and letter by letter, beside ours (T-RC-08)."""
    cookies = expired.xhr("/cookies").all("Set-Cookie")

    assert [value for value in cookies if not is_ours(value)] == APP_COOKIES
    assert len(cookies) - len(APP_COOKIES) == (0 if case.server.kind in IN_REFERENCE_MODE else 1)


@ON_EVERY_SERVER
def test_client_that_goes_away(case: Case, expired: Browser) -> None:
    """Where the client goes away, the app is told: its body is closed, or ``http.disconnect`` comes, once (T-RC-08)."""
    with OpenConnection(expired, "GET", "/endless", XHR) as connection:
        connection.read_until(b"xxxx")
        connection.abort()

    deadline = time.monotonic() + CLOSE_SECONDS
    while CLOSED not in case.log and time.monotonic() < deadline:
        time.sleep(0.02)
    assert expired.xhr("/").is_from_app  # Whatever would come twice has had its time.
    assert case.log.count(CLOSED) == 1


# In the next two the app's own failure is what is asked for: a 500 and a traceback, so the oracles are not held.


@ON_EVERY_SERVER
def test_app_that_raises(kind: Kind, serve: Serve, fotoweb: ScriptedFotoWeb) -> None:
    """What the app raises before it answers reaches the server, which answers 500 and logs it (T-RC-08)."""
    case = Case(serve(kind), fotoweb)
    browser = case.browser()
    browser.log_in()

    assert browser.xhr("/raise/before").status == 500
    assert TROUBLE in case.log
    assert browser.xhr("/").is_from_app


@ON_EVERY_SERVER
def test_app_that_raises_half_way(kind: Kind, serve: Serve, fotoweb: ScriptedFotoWeb) -> None:
    """What it raises in the middle reaches the server too, which breaks the answer off (T-RC-08)."""
    case = Case(serve(kind), fotoweb)
    browser = case.browser()
    browser.log_in()

    broken = browser.xhr("/raise/after")

    assert (broken.status, broken.body) == (200, FIRST_PART)
    assert TROUBLE in case.log
    assert browser.xhr("/").is_from_app


@pytest.mark.parametrize("asgi_kind", ASGI_SERVERS, ids=str)
def test_lifespan_failure(asgi_kind: Kind, fotoweb: ScriptedFotoWeb, tmp_path: Path) -> None:
    """An app that fails to start up stops the server, as without the middleware (T-RC-08)."""
    with AttackedServer(asgi_kind, fotoweb.url, tmp_path) as server:
        with pytest.raises(RuntimeError, match="did not start"):
            server.begin({"FOTOWEB_APP": "tests.attacks.inner_pages:never_starts"})
        assert TROUBLE in server.output


def test_scope_that_nobody_knows(fotoweb: ScriptedFotoWeb) -> None:
    """A scope of a type that nobody knows reaches the app only where it has no path to guard (T-RC-08)."""
    seen: list[tuple[Any, ...]] = []

    async def app(*arguments: Any) -> None:
        seen.append(arguments)

    settings = Settings(
        url=fotoweb.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, secret_key=SECRET_KEY, cache="memory://"
    )
    middleware = FotoWebASGIMiddleware(app, settings)
    scope, receive, send = {"type": "foo"}, object(), object()
    guarded = {"type": "webtransport", "path": "/", "headers": [(b"cookie", b"__Host-fotoweb=x")]}

    anyio.run(middleware, scope, receive, send)
    with pytest.raises(RuntimeError, match="webtransport"):
        anyio.run(middleware, guarded, receive, send)

    assert [(a is scope, b is receive, c is send) for a, b, c in seen] == [(True, True, True)]
