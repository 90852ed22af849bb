"""Headers that would say who somebody is, in every spelling, on every server (T-RP-09, R-RP7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.attacks.attacked import EVERY_SERVER
from tests.attacks.browser import NAV, XHR, Browser
from tests.attacks.connections import OpenConnection, handshake
from tests.attacks.oracles import Case
from tests.attacks.raw_client import RawReply

pytestmark = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)

FORGED = "Bearer forged"
TAKEN: dict[str, dict[str, str]] = {
    "as it is": {"Authorization": FORGED},
    "other cases": {"AUTHORIZATION": FORGED, "aUTHORIZATION": FORGED},
    "twice": {"Authorization": f"{FORGED}\r\nAuthorization: {FORGED}"},
    "three times": {"Authorization": FORGED, "AUTHORIZATION": FORGED, "authorization": FORGED},
    "basic": {"Authorization": "Basic Zm9yZ2VkOmZvcmdlZA=="},
    "underscores": {"Authorization_": FORGED, "_Authorization": FORGED, "Auth_orization": FORGED},
    "dashes": {"Authorization-": FORGED, "-Authorization": FORGED, "Auth-orization": FORGED},
    "as in an environ": {"HTTP_AUTHORIZATION": FORGED, "HTTP-AUTHORIZATION": FORGED, "Http-Authorization": FORGED},
    "remote user": {"Remote-User": "forged", "Remote_User": "forged", "REMOTE_USER": "forged", "remoteuser": "forged"},
    "remote user twice": {"REMOTE_USER": "forged\r\nREMOTE_USER: forged", "REMOTE-USER": "forged"},
    "the session's key": {"fotoweb.session": "forged", "fotoweb_session": "forged", "Fotoweb-Session": "forged"},
    "from a proxy": {"X-Remote-User": "forged", "X_Forwarded_User": "forged", "X-Forwarded-Access-Token": "forged"},
}
"""What every server takes for a request."""

REFUSED_BY_SOME: dict[str, dict[str, str]] = {
    "space before the colon": {"Authorization ": FORGED},
    "tab before the colon": {"Authorization\t": FORGED},
    "space before the name": {" Authorization": FORGED},
    "folded": {"Authorization": "Bearer\r\n forged"},
    "folded behind another": {"X-Other": f"x\r\n Authorization: {FORGED}"},
    "line feed alone": {"X-Other": f"x\nAuthorization: {FORGED}"},
    "carriage return alone": {"X-Other": f"x\rAuthorization: {FORGED}"},
    "NUL": {"Authorization\x00": FORGED},
}
"""What is no header by the standard; a server may refuse it, or read it in its own way (RFC 9112, 2.2 and 5)."""

ALL_THAT_ARE_TAKEN = {name: value for headers in TAKEN.values() for name, value in headers.items()}
SPELLINGS = {**TAKEN, **REFUSED_BY_SOME, "all that are taken": ALL_THAT_ARE_TAKEN}
EVERY_SPELLING = pytest.mark.parametrize("spelling", SPELLINGS)
PREFLIGHT = {
    "Origin": "https://evil.test",
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization",
}
IDENTITY = ("token", "session_token", "user", "remote_user")


def identity(seen: dict[str, Any]) -> list[Any]:
    """Return who the app takes somebody for, by the Authorization header, the session, and the server's variables."""
    return [seen[name] for name in IDENTITY]


def check_seen(reply: RawReply, spelling: str, token: str | None) -> None:
    """Check that the app saw this token and nothing else, or that the server refused what is no header."""
    if spelling in REFUSED_BY_SOME and reply.status == 400:
        return
    assert (reply.status, identity(reply.seen)) == (200, [token, token, None, None])


@EVERY_SPELLING
def test_app_sees_no_identity_but_the_sessions(case: Case, spelling: str) -> None:
    """Whatever headers say, a member is a member, also on public paths, and a stranger is nobody (T-RP-09)."""
    case.open_paths = {"/public"}
    member, stranger = case.browser(), case.browser()
    member.log_in()
    own = str(member.xhr("/").seen["token"])
    headers = {**XHR, **SPELLINGS[spelling]}

    check_seen(member.send("GET", "/", headers), spelling, own)
    check_seen(member.send("GET", "/public", headers), spelling, own)
    check_seen(stranger.send("GET", "/public", headers), spelling, None)
    refused, page = stranger.send("GET", "/", headers), stranger.send("GET", "/", {**NAV, **SPELLINGS[spelling]})
    if spelling not in REFUSED_BY_SOME:
        assert (refused.status, page.status) == (401, 302)


@EVERY_SPELLING
def test_preflight_has_no_identity(case: Case, spelling: str) -> None:
    """A preflight reaches open paths alone, and nobody's identity goes with it, not a member's either (T-RP-09)."""
    case.open_paths = {"/public"}
    member, stranger = case.browser(), case.browser()
    member.log_in()
    calls, headers = case.calls, {**PREFLIGHT, **SPELLINGS[spelling]}

    refused = {person.send("OPTIONS", "/", headers).status for person in (stranger, member)}

    assert refused <= ({401, 400} if spelling in REFUSED_BY_SOME else {401})
    assert case.calls == calls
    for person in (stranger, member):
        check_seen(person.send("OPTIONS", "/public", headers), spelling, None)


def seen_by_websocket(browser: Browser, target: str, spelling: str) -> dict[str, Any]:
    """Open a WebSocket and return what the app saw, or the status that refused it; WSGI servers make it a GET."""
    kind = browser.server.kind
    with OpenConnection(browser, "GET", target, {**handshake(kind), **SPELLINGS[spelling]}) as connection:
        reply = connection.read_reply()
        if reply.status == 101:
            seen: dict[str, Any] = json.loads(connection.read_message())
            return seen
    return reply.seen if reply.is_from_app else {"status": reply.status}


@pytest.mark.parametrize("spelling", TAKEN)
def test_websocket_has_no_identity_but_the_sessions(case: Case, spelling: str) -> None:
    """So it is with a WebSocket: a member's has their token, a stranger's is refused or open to all (T-RP-09)."""
    case.open_paths = {"/public"}
    member, stranger = case.browser(), case.browser()
    member.log_in()
    own = str(member.xhr("/").seen["token"])

    assert identity(seen_by_websocket(member, "/", spelling)) == [own, own, None, None]
    assert identity(seen_by_websocket(stranger, "/public", spelling)) == [None] * 4
    assert seen_by_websocket(stranger, "/", spelling) == {"status": 401}
