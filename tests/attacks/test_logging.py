"""The log, on real servers: one record is one line, escaped (T-LG-02), and there are few of them (T-LG-04)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import pytest

from tests.attacks.answers import Answer, good, refusal
from tests.attacks.answers import reply as answer_with
from tests.attacks.attacked import APP_HOST, SOME_SERVERS
from tests.attacks.browser import NAV, Browser, state_of
from tests.attacks.oracles import Case
from tests.attacks.raw_client import RawReply, exchange, write_request
from tests.servers.serving import HYPERCORN

pytestmark = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)

CALLBACK = "/oauth2/callback"
WORDS = (
    "%0a2026-01-01 CRITICAL forged",
    "%0d%0a2026-01-01 CRITICAL forged",
    "%1b[2J",
    "%E2%80%AE",
    "%E2%80%A8",
    "%C2%85forged",
    "%00",
    "%7f",
)
FORGED = ("2026-01-01 CRITICAL forged", "FORGED", "forged")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
CALLBACKS = 50  # Of each length.
MOST_LOG_CHARACTERS = 1000
TAG = re.compile(r"session=[0-9a-f]{12}\b")
UNSEEN = ("\x1b", "\u202e", "\u2028", "\x85", "\x00", "\x7f")


def own_lines(case: Case, level: str) -> list[str]:
    """Return the lines that the middleware wrote at a level since the case began."""
    return [line for line in case.log.split("\n") if line.startswith(f"{level}:fotoweb_middleware:")]


def check_log(case: Case) -> None:
    """Check that no line begins with forged words, and that our own consist of visible ASCII."""
    if case.server.kind is not HYPERCORN:  # Its own access log writes paths and agents decoded, line breaks and all.
        assert [line for line in case.log.split("\n") if line.startswith(FORGED)] == []
        assert [sign for sign in UNSEEN if sign in case.log] == []
    for level in LEVELS:
        assert [line for line in own_lines(case, level) if not (line.isascii() and line.isprintable())] == []


@pytest.mark.parametrize("parameter", ["error", "error_description"])
@pytest.mark.parametrize("words", WORDS)
def test_words_of_fotoweb(browser: Browser, case: Case, parameter: str, words: str) -> None:
    """An error that FotoWeb sends back is one record on one line, whatever it says (T-LG-02)."""
    error = {"error": "access_denied", parameter: words.replace(" ", "+")}
    query = "&".join(f"{name}={value}" for name, value in error.items())

    browser.come_back(f"{CALLBACK}?{query}&state={state_of(browser.begin('/'))}")

    (line,) = own_lines(case, "WARNING")
    assert "FotoWeb reported an error instead of a login" in line
    assert "\\" in line  # Escaped, and not left out.
    check_log(case)


@pytest.mark.parametrize("words", WORDS)
def test_user_agent(browser: Browser, case: Case, words: str) -> None:
    """What a browser calls itself is in no line of ours, with percent signs or without (T-LG-02)."""
    decoded = unquote_to_bytes(words).decode("latin-1").replace("\r\n", "\r\n ").replace("\n", "\r\n ")  # Folded.
    for name in (words, decoded):
        browser.send("GET", "/oauth2/x", {**NAV, "User-Agent": name})
        browser.send("GET", f"{CALLBACK}?state=x&code=C", {**NAV, "User-Agent": name})

    assert len(own_lines(case, "WARNING")) <= 2
    check_log(case)


@pytest.mark.parametrize("words", ["%0d%0aFORGED", "%0aFORGED", "%1b[2J", "%E2%80%AE", "%E2%80%A8", "%ff"])
def test_path(member: Browser, case: Case, words: str) -> None:
    """A path is on one line, at DEBUG and where another origin's request is refused (T-LG-02)."""
    before = len(own_lines(case, "DEBUG"))

    refused = member.send("POST", f"/{words}", {**NAV, "Sec-Fetch-Site": "same-site", "Origin": f"https://{words}"})

    (line,) = own_lines(case, "WARNING")
    assert (refused.status, "request from another origin refused" in line, "\\" in line) == (403, True, True)
    assert len(own_lines(case, "DEBUG")) == before + 1
    check_log(case)


# ------------------------------------------------------------------------------------------------------------ how much


def own_log(case: Case) -> list[str]:
    """Return what the middleware wrote since the case began, at any level."""
    return [line for level in LEVELS for line in own_lines(case, level)]


@pytest.mark.parametrize("length", [3_900, 60_000])
def test_hostile_callbacks(case: Case, length: int) -> None:
    """A callback with a large state is one warning, and less than 1 KB of log, DEBUG included (T-LG-04).

    Every server takes the smaller one; the larger one some refuse themselves, or hang up.
    """
    pairs = [("Host", APP_HOST), ("Connection", "close"), *NAV.items()]
    targets = [f"{CALLBACK}?code=C&state={number}{'s' * length}" for number in range(CALLBACKS)]
    statuses = [exchange(case.server.port, write_request("GET", target, pairs)).status for target in targets]

    warnings = len(own_lines(case, "WARNING"))
    assert set(statuses) <= ({400} if length < 4_000 else {0, 400, 414, 431})
    assert warnings == CALLBACKS if length < 4_000 else warnings <= CALLBACKS
    assert sum(map(len, own_log(case))) <= CALLBACKS * MOST_LOG_CHARACTERS


def fetch(answer: Answer) -> Callable[[Browser], object]:
    """Return what refreshes a token that has expired, and is answered so."""

    def happen(member: Browser) -> RawReply:
        member.fotoweb.script(member.user, answer)
        return member.xhr("/")

    return happen


def post(target: str, site: str) -> Callable[[Browser], object]:
    """Return a form that is sent."""
    return lambda member: member.send("POST", target, {**NAV, "Sec-Fetch-Site": site})


def callback(query: str) -> Callable[[Browser], object]:
    """Return a callback; ``{state}`` is that of a login."""
    return lambda member: member.come_back(f"{CALLBACK}?{query.replace('{state}', state_of(member.begin('/')))}")


EVENTS: dict[str, tuple[bool, Callable[[Browser], object]]] = {
    "login": (True, Browser.log_in),
    "refresh": (True, fetch(good())),
    "refresh refused": (True, fetch(refusal(400, "invalid_grant"))),
    "refresh failed": (True, fetch(answer_with(503))),
    "app refused": (True, fetch(refusal(401, "invalid_client"))),
    "logout": (True, post("/oauth2/logout", "same-origin")),
    "logout from elsewhere": (True, post("/oauth2/logout", "same-site")),
    "form from elsewhere": (True, post("/", "same-site")),
    "callback refused": (False, callback("code=C&state=x")),
    "error": (False, callback("error=access_denied&state={state}")),
    "code refused": (False, callback("code=C&state={state}")),
}
"""Whether a session is named, and what happens; ``test_log_in_process`` knows what each is called."""


@pytest.mark.parametrize("event", EVENTS)
def test_one_record_an_event(case: Case, browser: Browser, event: str) -> None:
    """Each event is one record above DEBUG, and names the session by a hash where there is one (T-LG-04, R-LG3)."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    assert browser.xhr("/").is_from_app
    before = len(own_events(case))
    has_session, happen = EVENTS[event]

    happen(browser)

    (line,) = own_events(case)[before:]
    assert bool(TAG.search(line)) is has_session, line


def own_events(case: Case) -> list[str]:
    """Return what the middleware wrote above DEBUG, in order, but for warnings that come beside an event."""
    beginnings = tuple(f"{level}:fotoweb_middleware:" for level in LEVELS[1:])
    lines = [line for line in case.log.split("\n") if line.startswith(beginnings)]
    return [line for line in lines if ":set-up warning: " not in line]
