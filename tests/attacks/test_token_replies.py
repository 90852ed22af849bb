"""What the token endpoint may say, and what it may not, through both middlewares (security cases T-TE)."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.attacks.answers import Answer, good, reply, with_surplus
from tests.attacks.attacked import SOME_SERVERS
from tests.attacks.browser import Browser
from tests.attacks.oracles import Case
from tests.attacks.scripted_fotoweb import CLIENT_ID, CLIENT_SECRET
from tests.attacks.verdicts import check_failed_login, check_outage

pytestmark = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)

VALID = '{"access_token":"A","token_type":"bearer","expires_in":3600}'
LOGINS = 20

NO_TOKENS: dict[str, Any] = {
    "line breaks": "A\r\nX-Admin: 1",
    "space": "A B",
    "not ASCII": "\u00e9",
    "NUL": "\x00",
    "line separator": "A\u2028B",
    "1 MB": "A" * 1_000_000,
    "number": 123,
    "true": True,
    "object": {},
    "list": [],
    "empty": "",
}


@pytest.mark.parametrize("token_type", ["bearer", "Bearer", "BEARER", "bEaReR"])
def test_token_type_in_any_case(browser: Browser, token_type: str) -> None:
    """The token type is bearer in whatever case (T-TE-01)."""
    browser.fotoweb.script(browser.user, good(token_type=token_type))
    browser.log_in()
    assert browser.xhr("/").status == 200


@pytest.mark.parametrize("token_type", ["mac", "DPoP", "", None, ..., ["bearer"]], ids=str)
def test_other_token_type(browser: Browser, token_type: Any) -> None:
    """Any other token type ends the login on a page (T-TE-01)."""
    browser.fotoweb.script(browser.user, good(token_type=token_type))
    check_failed_login(browser.try_to_log_in(), browser)


@pytest.mark.parametrize("expires_in", [..., None, "3600", 3600.0], ids=str)
def test_expires_in(browser: Browser, expires_in: Any) -> None:
    """A lifetime may be left out, or be written in three ways (T-TE-02)."""
    browser.fotoweb.script(browser.user, good(expires_in=expires_in))
    browser.log_in()
    assert (browser.xhr("/").status, browser.xhr("/").status, browser.posts) == (200, 200, 1)


@pytest.mark.parametrize("expires_in", [-1, 0, True, "abc", "1e3", [], {}], ids=repr)
def test_strange_expires_in(browser: Browser, expires_in: Any) -> None:
    """Any other lifetime leads neither into a loop nor to a second token request for one of ours (T-TE-02)."""
    browser.fotoweb.script(browser.user, good(expires_in=expires_in))
    for target in ("/", "/", "/"):
        replies = browser.follow(target, most_hops=8)
        assert replies[-1].status in {200, 502}, replies
    assert max(browser.posts_by_request) <= 1


@pytest.mark.parametrize(
    "body",
    [
        "[" * 200_000,
        '{"a":' * 100_000,
        '{"access_token":"\\ud800","token_type":"bearer"}',
        VALID.encode("utf-16"),
        b"\xef\xbb\xbf" + VALID.encode(),
        *("null", "[]", "123", '"x"', ""),
    ],
    ids=["lists", "objects", "surrogate", "UTF-16", "BOM", "null", "list", "number", "text", "empty"],
)
def test_body_that_is_no_token_answer(browser: Browser, body: str | bytes) -> None:
    """A body that is no JSON object, or only looks like one, ends the login on a page (T-TE-04)."""
    browser.fotoweb.script(browser.user, reply(200, body))
    check_failed_login(browser.try_to_log_in(), browser)


@pytest.mark.parametrize("token", NO_TOKENS.values(), ids=NO_TOKENS)
def test_hostile_token_at_login(case: Case, browser: Browser, token: Any) -> None:
    """A token that no header can carry opens no session (T-TE-05)."""
    browser.fotoweb.script(browser.user, good(access_token=token))
    check_failed_login(browser.try_to_log_in(), browser)
    assert "x-admin" not in case.header_names


@pytest.mark.parametrize("token", NO_TOKENS.values(), ids=NO_TOKENS)
def test_hostile_token_at_refresh(case: Case, browser: Browser, token: Any) -> None:
    """Nor does a refresh bring it to the app; the session is kept (T-TE-05)."""
    cookies = session_that_expires_at_once(browser)
    browser.fotoweb.script(browser.user, good(access_token=token))
    check_outage(browser.xhr("/"), browser, cookies)
    assert "x-admin" not in case.header_names


def session_that_expires_at_once(browser: Browser) -> dict[str, str]:
    """Log in with a token that is spent by its first use; return the session's cookies."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    assert browser.xhr("/").status == 200
    return browser.session_cookies


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, "<title>Log in</title>", "text/html"),
        reply(200, VALID.replace("{", "<"), "text/html"),
        reply(200, '{"error":"invalid_grant"}'),
        *(reply(status, VALID) for status in (201, 204, 206)),
        reply(302, VALID, Location="/fotoweb/oauth2/token"),
        reply(307, VALID, Location="/fotoweb/oauth2/token"),
    ],
    ids=["page", "page like JSON", "error", "201", "204", "206", "302", "307"],
)
def test_other_answers(browser: Browser, answer: Answer) -> None:
    """Only a 200 with tokens in it opens a session; a redirect is not followed (T-TE-06)."""
    browser.fotoweb.script(browser.user, answer)
    check_failed_login(browser.try_to_log_in(), browser)


def test_credentials_with_special_characters(browser: Browser) -> None:
    """Client id and secret arrive letter by letter, the secret in the body alone (T-TE-07)."""
    authorize = browser.nav("/").location
    browser.come_back(browser.approve(authorize))
    (request,) = browser.fotoweb.requests_of(browser.user)

    assert (request.form["client_id"], request.form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
    assert len(request.pairs) == 6
    urls = [authorize, request.raw.partition(b"\r\n")[0].decode(), *(reply.asked for reply in browser.replies)]
    spellings = {CLIENT_SECRET, quote(CLIENT_SECRET), quote_plus(CLIENT_SECRET), CLIENT_ID}
    assert [url for url in urls for spelling in spellings if spelling in url] == []


def test_connections_that_close_silently(case: Case) -> None:
    """A token endpoint that closes after each answer, without saying so, fails nobody's login (T-TE-13)."""
    people = [case.browser() for _ in range(LOGINS)]
    for person in people:
        person.log_in()
    assert [person.posts for person in people] == [1] * LOGINS


def test_surplus_answer(case: Case) -> None:
    """An answer that nobody asked for is never taken for the next user's (R-TE5; T-TE-13)."""
    mallory, people = case.browser(), [case.browser() for _ in range(3)]
    for person in people:
        case.fotoweb.script(person.user, with_surplus(case.fotoweb.grant_for(mallory.user)))
        person.log_in()
    tokens = [person.xhr("/").seen["token"].split(".")[1] for person in people]
    assert tokens == [person.user for person in people]


def test_proxy_header(browser: Browser) -> None:
    """A ``Proxy`` header and a ``.netrc`` change nothing of the call to FotoWeb (R-TE2; T-TE-22)."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        callback = browser.approve(browser.nav("/", Proxy=address).location)
        arrived = browser.nav(callback, Proxy=address, Proxy_Connection="keep-alive")
        with contextlib.suppress(BlockingIOError):
            proxy.accept()
            pytest.fail("the proxy was asked")
    assert (arrived.status, browser.posts) == (302, 1)
    assert b"authorization" not in browser.fotoweb.requests_of(browser.user)[0].raw.partition(b"\r\n\r\n")[0].lower()


def test_the_endpoint_can_say_what_was_refused_above(browser: Browser) -> None:
    """The answers above differ from this one in the one thing that they are about: this one is taken (T-TE-06)."""
    document = json.loads(VALID) | {"access_token": f"at.{browser.user}.0.plain"}
    browser.fotoweb.script(browser.user, reply(200, json.dumps(document)))
    browser.log_in()
    assert browser.xhr("/").status == 200
