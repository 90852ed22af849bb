"""The oracles and the scripted FotoWeb can fail: each fault they look for is planted here once."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx
import pytest

from tests.attacks.answers import closed, good
from tests.attacks.attacked import APP, DEADLINE_SECONDS, Call
from tests.attacks.browser import state_of
from tests.attacks.oracles import BUSY_SECONDS, Case, check_oracles, whatwg_host
from tests.attacks.raw_client import RawReply, read_reply
from tests.attacks.scripted_fotoweb import CLIENT_ID, CLIENT_SECRET, ScriptedFotoWeb
from tests.servers.serving import SECRET_KEY

VERIFIER = "v" * 43


class NoServer(SimpleNamespace):
    """Stands in for a server: what it printed and which calls reached the app is up to the test."""

    printed = ""
    calls: tuple[Call, ...] = ()
    printed_bytes = called_bytes = port = 0

    def printed_since(self, offset: int) -> str:
        """Return what a test put there."""
        return self.printed

    def calls_since(self, offset: int) -> list[Call]:
        """Return the calls that a test put there."""
        return list(self.calls)


@pytest.fixture
def server() -> NoServer:
    """Return a server that did nothing."""
    return NoServer()


@pytest.fixture
def case(server: NoServer, fotoweb: ScriptedFotoWeb) -> Case:
    """Return a case in which nothing happened yet."""
    return Case(cast("Any", server), fotoweb)


def answered(case: Case, status: int = 200, body: str = "", took_seconds: float = 0.1, **headers: str) -> None:
    """Have a new browser of a case get an answer."""
    told = tuple(headers.items())
    case.browser().replies.append(RawReply("GET /", status, told, body.encode(), took_seconds))


def test_nothing_wrong(case: Case, server: NoServer) -> None:
    """Answers, calls and a log as they should be are no fault; what an access log says does not count."""
    answered(case, 302, Location="/a")
    answered(case, 302, Location=f"{case.fotoweb.url}/fotoweb/oauth2/authorize?x=y")
    user = case.browsers[0].user
    code = case.fotoweb._new_secret("code", user)
    case.browsers[0].replies.append(RawReply("GET /", 200, (), json.dumps({"token": f"at.{user}.1"}).encode(), 0.1))
    server.calls = (Call("/", "at.u1.1", frozenset()),)
    server.printed = f'INFO: 127.0.0.1:9 - "GET /oauth2/callback?code={code} HTTP/1.1" 302 Found'
    check_oracles(case)


@pytest.mark.parametrize(
    ("status", "body", "took_seconds", "location", "oracle"),
    [
        (500, "", 0.1, None, "I1"),
        (0, "", 0.1, None, "I1"),
        (200, '{"token": "at.u0.1.x"}', 0.1, None, "I2"),
        (200, '{"token": null}', 0.1, None, "I2"),
        (302, "", 0.1, "https://evil.test/", "I5"),
        (302, "", 0.1, "/\\evil.test", "I5"),
        (400, f"<p>{SECRET_KEY}</p>", 0.1, None, "I6"),
        (302, "", 0.1, f"/?{quote(CLIENT_SECRET, safe='')}", "I6"),
        (200, "", DEADLINE_SECONDS + 1 + BUSY_SECONDS + 0.1, None, "I7"),
    ],
    ids=["500", "none", "other user", "no token", "host", "backslash", "key", "client secret", "late"],
)
def test_bad_answers(
    case: Case, status: int, body: str, took_seconds: float, location: str | None, oracle: str
) -> None:
    """An answer that breaks one of the oracles is found."""
    answered(case, status, body, took_seconds, **({"Location": location} if location else {}))
    with pytest.raises(AssertionError, match=oracle):
        check_oracles(case)


def test_secrets_in_answers(case: Case) -> None:
    """A code in a page of the middleware is found."""
    browser = case.browser()
    code = case.fotoweb._new_secret("code", browser.user)
    browser.replies.append(RawReply("GET /", 400, (), f"<p>{code}</p>".encode(), 0.1))
    with pytest.raises(AssertionError, match="I6"):
        check_oracles(case)


@pytest.mark.parametrize("secret", [CLIENT_SECRET, SECRET_KEY, quote(CLIENT_SECRET, safe=""), "st4te"], ids=range(4))
def test_secrets_in_the_log(case: Case, server: NoServer, secret: str) -> None:
    """A secret or a state in the log is found."""
    case.browser().states.add("st4te")
    server.printed = f"DEBUG:fotoweb_middleware:it is {secret}!"
    with pytest.raises(AssertionError, match="I6"):
        check_oracles(case)


def test_traceback(case: Case, server: NoServer) -> None:
    """A traceback in the log is found."""
    server.printed = "ERROR\nTraceback (most recent call last):\n"
    with pytest.raises(AssertionError, match="I1"):
        check_oracles(case)


def test_call_without_session(case: Case, server: NoServer) -> None:
    """A call of the app without a session is found."""
    server.calls = (Call("/private", None, frozenset()),)
    with pytest.raises(AssertionError, match="I3"):
        check_oracles(case)


def test_public_path(case: Case, server: NoServer) -> None:
    """Where the case names a public path, a call without a session is none at that path, and is one at any other."""
    server.calls = (Call("/public", None, frozenset()),)
    answered(case, body='{"token": null, "path": "/public"}')
    case.open_paths = {"/public"}
    check_oracles(case)

    case.open_paths = {"/public/x"}
    with pytest.raises(AssertionError, match=r"I3: .* at /public\n.*I2"):
        check_oracles(case)


# -------------------------------------------------------------------------------------------------- what FotoWeb sees


@pytest.fixture
def code(case: Case) -> Iterator[str]:
    """Return a code for the verifier above; I4 must find what a test did with it."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = urlencode({"state": "s", "redirect_uri": f"{APP}/oauth2/callback", "code_challenge": challenge})
    callback = case.fotoweb.approve(f"{case.fotoweb.url}/?{query}", case.browser().user)
    assert state_of(callback) == "s"
    yield callback.partition("code=")[2].partition("&")[0]
    with pytest.raises(AssertionError, match="I4"):
        check_oracles(case)


def post(case: Case, *, headers: dict[str, str] | None = None, query: str = "", **form: str) -> httpx.Response:
    """Post a form to the token endpoint."""
    credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uri": f"{APP}/oauth2/callback"}
    data = {"grant_type": "authorization_code", "code_verifier": VERIFIER, **credentials, **form}
    own = {"Accept-Encoding": "identity", **(headers or {})}
    url = f"{case.fotoweb.url}/fotoweb/oauth2/token{query}"
    return httpx.post(url, data=data, headers=own, trust_env=False)


def test_code_posted_twice(case: Case, code: str) -> None:
    """A code that comes a second time is found."""
    assert [post(case, code=code).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "w" * 43},
        {"redirect_uri": f"{APP}/other"},
        {"client_id": "evil"},
        {"client_secret": "guess"},
        {"headers": {"Authorization": "Basic eDp5"}},
        {"headers": {"Cookie": "a=b"}},
        {"headers": {"Accept-Encoding": "gzip"}},
        {"query": "?client_id=x"},
    ],
    ids=str,
)
def test_wrong_exchange(case: Case, code: str, change: dict[str, Any]) -> None:
    """An exchange that differs from its authorize request, or shows credentials elsewhere, is found."""
    post(case, code=code, **change)


def test_dead_refresh_token(case: Case, code: str) -> None:
    """A refresh token that was replaced and comes again is found; one that was kept may come again."""
    first = post(case, code=code).json()["refresh_token"]
    user = case.browsers[0].user
    case.fotoweb.script(user, good(refresh_token=None))
    post(case, grant_type="refresh_token", refresh_token=first)
    assert case.violations == []
    case.fotoweb.heal(user)
    post(case, grant_type="refresh_token", refresh_token=first)
    assert case.violations == []
    post(case, grant_type="refresh_token", refresh_token=first)


def test_code_after_no_answer(case: Case, code: str) -> None:
    """A code that comes again after an exchange without an answer is found."""
    case.fotoweb.script(case.browsers[0].user, closed)
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            post(case, code=code)


# ------------------------------------------------------------------------------------------ how browsers read a target


@pytest.mark.parametrize("location", ["/", "/a?b=//evil.test", "a", "?x", "#x", "", "/a//b", "https:a", "https:/a"])
def test_targets_here(location: str) -> None:
    """These stay on the app's origin."""
    assert whatwg_host(location) == "app.test"


@pytest.mark.parametrize(
    "location",
    [
        *("//evil.test", "///evil.test", "////evil.test/x", "/\\evil.test", "\\\\evil.test", "/\\/evil.test"),
        *(
            "/\t/evil.test",
            "/\n/evil.test",
            "\x00//evil.test",
            "\x0b//evil.test",
            " //evil.test",
            "ht\ntps://evil.test",
        ),
        *(
            "http:evil.test",
            "http:/evil.test",
            "http:///evil.test",
            "https://app.test@evil.test",
            "HTTPS:\\\\EVIL.test",
        ),
        "https://evil.test\\@app.test",
    ],
)
def test_targets_elsewhere(location: str) -> None:
    """These lead to another host, though a simple reader may not see it."""
    assert whatwg_host(location) == "evil.test"


@pytest.mark.parametrize("location", ["javascript:alert(1)", "data:text/html,x"])
def test_targets_that_are_no_place(location: str) -> None:
    """These are no web address."""
    assert whatwg_host(location) == ""


def test_raw_answers() -> None:
    """Interim answers are skipped, and chunks joined."""
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = read_reply("GET /", head + b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", 0.0)
    assert (reply.status, reply.body) == (200, b"abcd")
