"""Which path a request asks for: what is public and what only looks so, headers that name another, our own paths.

Security cases T-RP-05, T-RP-06 and T-RP-07.
"""

from __future__ import annotations

import pytest

from tests.attacks.attacked import APP_HOST, EVERY_SERVER
from tests.attacks.browser import NAV, XHR, Browser
from tests.attacks.oracles import Case
from tests.attacks.raw_client import RawReply

pytestmark = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)

AMBIGUOUS = (
    "/public-secret",
    "/publicity",
    "/x/public",
    "/PUBLIC",
    "/private?p=/public",
    "/private#/public",
    "/public/../private",
    "/public/%2e%2e/private",
    "/public/.%2e/private",
    "/public%2f..%2fprivate",
    "/public/..%2fprivate",
    "/public;/../private",
    "/public/;/../private",
    "/public\\..\\private",
    "/public/..\\private",
    "/public/%5c..%5cprivate",
    "//public/../private",
    "/public%00",
    "/public/%00",
    "/public/%252e%252e/private",
    "/public/%23/../private",
    "/public/..",
    "/public/\t/private",
)
MISLEADING_HEADERS = (
    {"X-Forwarded-Uri": "/public"},
    {"X-Original-URL": "/public"},
    {"X-Rewrite-URL": "/public"},
    {"X-Forwarded-Prefix": "/public"},
    {"X-Script-Name": "/public"},
    {"Script-Name": "/public"},
    {"X-HTTP-Method-Override": "OPTIONS"},
    {"User-Agent": "GoogleHC/1.0"},
    {"User-Agent": "kube-probe/1.29"},
)
LIKE_CALLBACK = (
    "/oauth2/callback/",
    "/oauth2//callback",
    "/OAuth2/callback",
    "/oauth2/Callback",
    "/oauth2/callback/../../private",
    "/oauth2/callback%00",
    "/oauth2/callback%2f",
    "/oauth2/callback;x",
    "/oauth2/%63allback/",
    "/oauth2/loginx",
    "/oauth2/x",
    "/x/../oauth2/callback",
)


def is_refused(reply: RawReply, browser: Browser) -> bool:
    """Return whether somebody without a session was sent to the login or away."""
    begins_login = reply.status == 302 and reply.location.startswith(browser.fotoweb.url)
    return begins_login or 400 <= reply.status < 500


def test_public_paths_look_alike(case: Case) -> None:
    """What only looks like a public path, or could be read as another, needs a login like any other (T-RP-05)."""
    for target in AMBIGUOUS:
        browser = case.browser()
        assert is_refused(browser.nav(target), browser), target
        assert 400 <= browser.xhr(target).status < 500, target


def test_public_paths(case: Case) -> None:
    """Public paths reach the app without a token, also where the client brings one of its own (T-RP-05)."""
    case.open_paths = {"/public", "/public/x"}
    browser = case.browser()

    for target in ("/public", "/public/x", "/public/x?p=/../private"):
        assert browser.nav(target, Authorization="Bearer forged").seen["token"] is None
        assert browser.xhr(target).seen["session_token"] is None


def test_public_path_of_a_member(member: Browser) -> None:
    """Whoever is logged in has their own token there too (T-RP-05)."""
    assert str(member.xhr("/public/x").seen["token"]).startswith(f"at.{member.user}.")


@pytest.mark.parametrize("headers", MISLEADING_HEADERS, ids=str)
def test_headers_that_name_another_path(case: Case, headers: dict[str, str]) -> None:
    """No header makes a path public (T-RP-06)."""
    browser = case.browser()

    assert is_refused(browser.send("GET", "/private", {**NAV, **headers}), browser)
    assert 400 <= browser.send("GET", "/private", {**XHR, **headers}).status < 500


def test_host_that_names_another_path(case: Case) -> None:
    """Nor does a Host header with a path in it (T-RP-06)."""
    browser = case.browser()

    for host in (f"{APP_HOST}/public?x=", f"{APP_HOST}/public#", f"{APP_HOST}/public/x\\"):
        assert is_refused(browser.send("GET", "/private", NAV, host=host), browser)
        assert 400 <= browser.send("GET", "/private", XHR, host=host).status < 500


@pytest.mark.parametrize("target", LIKE_CALLBACK)
def test_paths_like_the_callback(browser: Browser, target: str) -> None:
    """What is not letter for letter the callback's path spends no code and reaches no app (T-RP-07)."""
    callback = browser.approve(browser.begin("/later"))
    query = callback.partition("?")[2]

    assert is_refused(browser.nav(f"{target}?{query}", Sec_Fetch_Site="cross-site"), browser)
    assert 400 <= browser.xhr(f"{target}?{query}").status < 500
    assert (browser.posts, browser.session_cookies) == (0, {})
    assert browser.come_back(callback).location == "/later"


def test_own_paths_of_a_member(member: Browser, case: Case) -> None:
    """Below the middleware's own prefix nothing reaches the app with a session either (T-RP-07)."""
    below_prefix = [target for target in LIKE_CALLBACK if target.startswith("/oauth2/")]
    called = case.server.called_bytes

    assert [member.nav(target).status for target in below_prefix] == [404] * len(below_prefix)
    assert case.server.calls_since(called) == []
