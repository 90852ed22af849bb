"""Servers that run by a clock which a test turns, and what tests with them ask of browsers."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.attacked import APP, APP_HOST, AttackedServer
from tests.attacks.browser import SESSION, XHR, Browser
from tests.attacks.oracles import Case
from tests.attacks.raw_client import PATIENCE_SECONDS, RawReply, exchange, write_request
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.servers.cookie_jar import Use
from tests.servers.serving import SECRET_KEY, Kind
from tests.servers.turned_clock import CLOCK, TurnedClock

__all__ = [
    "HOUR",
    "IDLE_HOURS",
    "LIFETIME_HOURS",
    "NEW_KEY",
    "Serve",
    "ask_at_once",
    "check_unknown",
    "move",
    "refreshes",
    "turned_servers",
    "wait_for_a_refresh",
]

HOUR = 3600
IDLE_HOURS, LIFETIME_HOURS = 2, 6
NEW_KEY = secrets.token_urlsafe(32)
AT_ONCE = 6

Serve = Callable[[Kind], AttackedServer]


@contextlib.contextmanager
def turned_servers(fotoweb: ScriptedFotoWeb, folders: pytest.TempPathFactory) -> Iterator[tuple[TurnedClock, Serve]]:
    """Yield the clock of all servers, and a function that starts one, once; all keep tokens in cookies.

    Their newest key is one that no process had before. The other is that of all servers in ``tests/attacks``.
    """
    clock = TurnedClock(folders.mktemp("clock") / "clock")
    changes = {
        CLOCK: str(clock.path),
        "FOTOWEB_SECRET_KEY": f"{NEW_KEY},{SECRET_KEY}",
        "FOTOWEB_COOKIE_MODE": "sealed",
        "FOTOWEB_SESSION_IDLE": str(IDLE_HOURS * HOUR),
        "FOTOWEB_SESSION_LIFETIME": str(LIFETIME_HOURS * HOUR),
    }
    running: dict[Kind, AttackedServer] = {}
    with contextlib.ExitStack() as stack:

        def started(kind: Kind) -> AttackedServer:
            if kind not in running:
                server = AttackedServer(kind, fotoweb.url, folders.mktemp("turned"))
                stack.enter_context(server).begin(changes | {"FOTOWEB_APP": f"tests.attacks.turned_app:{kind.adapter}"})
                running[kind] = server
            return running[kind]

        yield clock, started


def refreshes(browser: Browser) -> int:
    """Return how often FotoWeb was asked for new tokens."""
    forms = [request.form for request in browser.fotoweb.requests_of(browser.user)]
    return [form["grant_type"] for form in forms].count("refresh_token")


def move(browser: Browser, case: Case) -> None:
    """Send a browser's requests to another process from now on, which is held responsible for it too."""
    browser.server = case.server
    if browser not in case.browsers:
        case.browsers.append(browser)


def check_unknown(case: Case, *values: str) -> None:
    """Check that these cookies get what garbage gets: 401, a login for a navigation, and the app is not called."""
    calls, replies = case.calls, []
    for value in ("garbage", *values):
        stranger = case.browser()
        stranger.jar.plant(SESSION, value, host=APP_HOST)
        replies.append(stranger.xhr("/"))
        stranger.jar.plant(SESSION, value, host=APP_HOST)
        assert stranger.nav("/").location.startswith(stranger.fotoweb.url)
    assert {each.told for each in replies} == {replies[0].told}
    assert (replies[0].status, case.calls) == (401, calls)


def wait_for_a_refresh(browser: Browser) -> None:
    """Wait until FotoWeb was asked for new tokens, which a request need not wait for."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not refreshes(browser) and time.monotonic() < ends_at:
        time.sleep(0.01)


def ask_at_once(member: Browser) -> list[RawReply]:
    """Fetch with the same cookies several times at once."""
    cookie = member.jar.header(APP, Use(cross_site=False, navigation=False, method="GET")) or ""
    request = write_request("GET", "/", [("Host", APP_HOST), ("Connection", "close"), *XHR.items(), ("Cookie", cookie)])
    with ThreadPoolExecutor(AT_ONCE) as threads:
        replies = list(threads.map(lambda _: exchange(member.server.port, request), range(AT_ONCE)))
    return [member.note(APP, each) for each in replies]
