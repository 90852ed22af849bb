"""Refreshes on real servers, one after every request: rotation, refusals, and tokens that are spent on arrival."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.answers import good, refusal
from tests.attacks.attacked import APP_HOST, SOME_SERVERS
from tests.attacks.browser import SESSION, Browser

pytestmark = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)

EXPIRIES = 20


@pytest.fixture
def spent(browser: Browser) -> Browser:
    """Return somebody whose token has expired; each new one can be used once."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    assert browser.xhr("/").status == 200
    return browser


def sent_refresh_tokens(browser: Browser) -> list[str]:
    """Return the refresh tokens that were posted, in order."""
    forms = [request.form for request in browser.fotoweb.requests_of(browser.user)]
    return [form["refresh_token"] for form in forms if form["grant_type"] == "refresh_token"]


@pytest.mark.parametrize("kept", [..., None, ""], ids=["left out", "null", "empty"])
def test_refresh_token_is_kept(spent: Browser, kept: Any) -> None:
    """Where no new refresh token comes, the old one is sent each time (T-TE-14)."""
    spent.fotoweb.script(spent.user, good(expires_in=0, refresh_token=kept))

    assert [spent.xhr("/").status for _ in range(5)] == [200] * 5
    sent = sent_refresh_tokens(spent)
    assert (len(sent), len(set(sent))) == (5, 1)


def test_refresh_token_is_replaced(spent: Browser) -> None:
    """Where a new one comes, each is sent once, twenty times (T-TE-15)."""
    assert [spent.xhr("/").status for _ in range(EXPIRIES)] == [200] * EXPIRIES
    sent = sent_refresh_tokens(spent)
    assert (len(sent), len(set(sent))) == (EXPIRIES, EXPIRIES)


def test_invalid_grant(spent: Browser) -> None:
    """A refused refresh token ends the session for good: an old cookie brings nothing back (T-TE-18)."""
    old_cookies = spent.session_cookies
    spent.fotoweb.script(spent.user, refusal(400, "invalid_grant"))

    refused = spent.nav("/")

    assert (refused.status, refused.location.startswith(spent.fotoweb.url)) == (302, True)
    assert spent.session_cookies == {}
    spent.fotoweb.heal(spent.user)
    for name, value in old_cookies.items():
        spent.jar.plant(name, value, host=APP_HOST)
    assert spent.xhr("/").status == 401
    assert len(sent_refresh_tokens(spent)) == 1


def test_invalid_client(spent: Browser) -> None:
    """An app that FotoWeb refuses is the operator's fault: no login begins, and the session is kept (T-TE-19)."""
    spent.fotoweb.script(spent.user, refusal(401, "invalid_client"))

    page, problem = spent.nav("/"), spent.xhr("/")

    assert (page.status, problem.status) == (502, 502)
    assert (page.header("Location"), page.all("Set-Cookie"), problem.all("Set-Cookie")) == (None, [], [])
    assert SESSION in spent.session_cookies
    assert spent.xhr("/oauth2/session").status == 200


def test_tokens_that_are_spent_on_arrival(browser: Browser) -> None:
    """With tokens that live for 0 seconds a visit ends at the app, without a loop (R-TE13; T-TE-20)."""
    browser.fotoweb.script(browser.user, good(expires_in=0))

    for target in ("/a", "/b", "/c"):
        assert browser.follow(target, most_hops=10)[-1].is_from_app

    assert max(browser.posts_by_request) <= 2
