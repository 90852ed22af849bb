"""Requests that are no navigation, and one that is, on every server (T-RC-01, 02, 03, 05 and 09)."""

from __future__ import annotations

import json

import pytest

from tests.attacks.attacked import EVERY_SERVER
from tests.attacks.browser import NAV, XHR, Browser
from tests.attacks.connections import OpenConnection
from tests.attacks.oracles import Case
from tests.attacks.raw_client import RawReply
from tests.servers.serving import HYPERCORN, WAITRESS

pytestmark = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)

PROBLEM = "application/problem+json"
HTML = "text/html; charset=utf-8"
BODY_BYTES = 100 * 1024 * 1024
PIECE_BYTES = 65_536
PIECE = b"%x\r\n%s\r\n" % (PIECE_BYTES, b"a" * PIECE_BYTES)
AT_ONCE_SECONDS = 1.0
TRIES = 3
"""On a machine that others use too, only the quickest of some tries tells what an answer takes."""

UPLOAD = {"Transfer-Encoding": "chunked", "Connection": "close"}
COUNTED = {"Content-Length": str(BODY_BYTES), "Connection": "close"}
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}


def check_told(reply: RawReply, content_type: str = PROBLEM) -> None:
    """Check for a 401 that leads nowhere: no redirect, no cookie, no password dialog."""
    assert (reply.status, reply.header("Content-Type"), reply.all("Location")) == (401, content_type, [])
    assert (reply.all("Set-Cookie"), reply.all("Refresh")) == ([], [])
    assert reply.header("WWW-Authenticate") == 'FotoWeb-Login realm="fotoweb"'
    assert content_type != PROBLEM or json.loads(reply.body)["login_url"] == "/oauth2/login"


@pytest.mark.parametrize(
    "headers",
    [
        XHR,
        {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"},
        {"Accept": "text/html", "Sec-Fetch-Mode": "cors"},
        {"Accept": "text/event-stream"},
        {"Accept": "application/json, text/javascript;q=0.1"},
    ],
    ids=["XHR", "X-Requested-With", "cors", "event stream", "JSON"],
)
def test_scripts_are_told(browser: Browser, headers: dict[str, str]) -> None:
    """A script gets a 401 with ``login_url``, and no login is begun (T-RC-01)."""
    check_told(browser.send("GET", "/", headers))


@pytest.mark.parametrize("destination", ["image", "script", "iframe", "frame", "object", "embed"])
@pytest.mark.parametrize("mode", ["navigate", "no-cors"])
def test_what_is_no_window_is_told(browser: Browser, destination: str, mode: str) -> None:
    """Frames, images and the like begin no login, whatever mode they claim (T-RC-02)."""
    check_told(browser.nav("/", Sec_Fetch_Dest=destination, Sec_Fetch_Mode=mode))


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip", "Prefetch"])
@pytest.mark.parametrize("target", ["/", "/oauth2/login?next=/"])
def test_prefetch_is_told(browser: Browser, purpose: str, target: str) -> None:
    """A page that is fetched ahead of a click begins no login, nor does the login page (T-RC-02)."""
    check_told(browser.nav(target, Sec_Purpose=purpose))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"])
def test_other_methods(browser: Browser, method: str) -> None:
    """Any other method gets a 401, as a page for a form, also where it says that it navigates (T-RC-03)."""
    check_told(browser.send(method, "/", NAV), HTML)
    check_told(browser.send(method, "/", XHR))


@pytest.mark.parametrize("method", ["foo", "get", "Get", "GETT"])
def test_methods_that_nobody_knows(case: Case, browser: Browser, method: str) -> None:
    """Servers refuse them, or we do; hypercorn alone hands ``get`` on as GET, which is one then (T-RC-03)."""
    reply = browser.send(method, "/", XHR)
    assert reply.status == 400 or (reply.status, reply.header("Content-Type")) == (401, PROBLEM)

    page = browser.send(method, "/", NAV)
    is_get = case.server.kind is HYPERCORN and method.upper() == "GET"
    assert (page.status == 302) if is_get else (page.status in {400, 401} and page.all("Location") == [])


def test_form(browser: Browser) -> None:
    """A form that is sent without a session gets a page and no redirect, which would send it again (T-RC-03)."""
    form = {**NAV, "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    check_told(browser.send("POST", "/", form, body=b"a=b&c=d"), HTML)


def test_body_is_not_read(case: Case, browser: Browser) -> None:
    """Of 100 MB one piece is sent: the 401 comes at once, so nobody waited for the rest (T-RC-03)."""
    if case.server.kind is WAITRESS:  # It reads a body to its end before it calls any app.
        check_told(sent_to_the_end(browser))
        return
    assert min(refused_seconds(browser) for _ in range(TRIES)) < AT_ONCE_SECONDS


def refused_seconds(browser: Browser) -> float:
    """Send the first piece of a body, chunked and counted, and return how long the slower 401 took."""
    seconds = []
    for headers, piece in ((UPLOAD, PIECE), (COUNTED, b"a" * PIECE_BYTES)):
        with OpenConnection(browser, "POST", "/upload", {**XHR, **headers}, piece) as connection:
            reply = connection.read_reply()
        check_told(reply)
        seconds.append(reply.took_seconds)
    return max(seconds)


def sent_to_the_end(browser: Browser) -> RawReply:
    """Send all of a body of 100 MB and return the answer."""
    with OpenConnection(browser, "POST", "/upload", {**XHR, **UPLOAD}, PIECE) as connection:
        for _ in range(BODY_BYTES // PIECE_BYTES - 1):
            connection.send(PIECE)
        connection.send(b"0\r\n\r\n")
        return connection.read_reply()


@pytest.mark.parametrize("is_member", [False, True], ids=["stranger", "member"])
@pytest.mark.parametrize("more", [XHR, NAV, {"Sec-Fetch-Site": "cross-site"}, {}], ids=["XHR", "NAV", "cross", "plain"])
def test_preflight(case: Case, browser: Browser, more: dict[str, str], is_member: bool) -> None:
    """A preflight from elsewhere gets a 401, no token, no cookie, also from a member; no app is asked (T-RC-05)."""
    if is_member:
        browser.log_in()
    calls = case.calls

    reply = browser.send("OPTIONS", "/x", {**PREFLIGHT, "Origin": "https://evil.test", **more})

    check_told(reply, HTML if more is NAV else PROBLEM)
    assert [name for name, _ in reply.headers if name.lower().startswith("access-control-")] == []
    assert case.calls == calls


@pytest.mark.parametrize("target", ["/", "/a?b=1"])
def test_link_from_another_site(member: Browser, target: str) -> None:
    """A link on another site leads a member straight to the page (T-RC-09)."""
    reply = member.nav(target, Sec_Fetch_Site="cross-site")

    assert reply.seen["session_token"].startswith(f"at.{member.user}.")
    assert member.posts == 1
