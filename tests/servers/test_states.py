"""Logins in several tabs, the back button, and callbacks that must change nothing, under real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.servers.serving import GUNICORN_THREADS, UVICORN_H11, Kind
from tests.servers.sites import FakeSite, fake_site
from tests.servers.visitor import Page, Visitor


@pytest.fixture(scope="module", params=[UVICORN_H11, GUNICORN_THREADS], ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[FakeSite]:
    """Return an app and a simulator that all tests of this file visit with browsers of their own."""
    kind: Kind = request.param
    with fake_site(kind) as started:
        yield started


def callback_of(page: Page) -> str:
    """Return the callback that a login went through."""
    return next(url for _, url in page.hops if "/oauth2/callback?" in url)


def test_two_tabs_that_log_in_at_once_both_arrive(site: FakeSite, visitor: Visitor) -> None:
    """Each tab ends where it was going; the second finds FotoWeb's session and consent there already."""
    first, second = visitor.go(f"{site.url}/first"), visitor.go(f"{site.url}/second")

    arrived = [visitor.log_in(second).url, visitor.log_in(first).url]

    assert arrived == [f"{site.url}/second", f"{site.url}/first"]


def test_no_login_cookie_is_left_after_two_tabs(site: FakeSite, visitor: Visitor) -> None:
    """Only the session's cookie stays."""
    first, second = visitor.go(f"{site.url}/first"), visitor.go(f"{site.url}/second")
    visitor.log_in(first)
    visitor.log_in(second)

    assert [name for name in visitor.cookies.snapshot("localhost") if "login" in name] == []


def test_going_back_to_the_callback_harms_nothing(site: FakeSite, visitor: Visitor) -> None:
    """The used callback is refused with a page, and the session goes on."""
    arrived = visitor.visit(f"{site.url}/start")
    refused = visitor.go(callback_of(arrived))

    assert (refused.status, "set-cookie" in refused.headers) == (400, False)
    assert visitor.go(f"{site.url}/on").json()["token"] == arrived.json()["token"]


def test_a_callback_that_is_replayed_with_its_login_cookie_is_refused(site: FakeSite, visitor: Visitor) -> None:
    """Whoever kept the login cookie can't use the state again: no second exchange of the code, nothing changed."""
    login = visitor.go(f"{site.url}/start")
    kept = visitor.cookies.snapshot("localhost")
    arrived = visitor.log_in(login)
    for name, value in kept.items():
        visitor.cookies.plant(name, value, host="localhost", path="/oauth2/callback")
    asked = len(site.fake.token_requests)

    refused = visitor.go(callback_of(arrived))

    assert (refused.status, "set-cookie" in refused.headers) == (400, False)
    assert len(site.fake.token_requests) == asked
    assert visitor.fetch(f"{site.url}/data").json()["token"] == arrived.json()["token"]


FORGED: dict[str, Callable[[str, str, str], str]] = {
    "foreign": lambda _used, _pending, foreign: f"code=a-code&state={foreign}",
    "made-up": lambda _used, _pending, _foreign: "code=a-code&state=" + "s" * 32,
    "missing": lambda _used, _pending, _foreign: "code=a-code",
    "empty": lambda _used, _pending, _foreign: "code=a-code&state=",
    "reused": lambda used, _pending, _foreign: used,
    "garbled": lambda _used, pending, _foreign: f"code=a-code&state={pending}%FF%00",
    "cut": lambda _used, pending, _foreign: f"code=a-code&state={pending[:-1]}",
    "doubled": lambda _used, pending, _foreign: f"code=a-code&state={pending}&state={pending}",
    "error-without-state": lambda _used, _pending, _foreign: "error=access_denied",
    "error-of-a-stranger": lambda _used, _pending, foreign: f"error=access_denied&state={foreign}",
}
"""Query strings of callbacks that must change nothing, made from the query of a used callback,
the state of a login that waits in another tab, and the state of a login in another browser."""


def state_of(page: Page) -> str:
    """Return the state that a login was sent to FotoWeb with."""
    authorize = next(url for _, url in page.hops if "/oauth2/authorize?" in url)
    return parse_qs(urlsplit(authorize).query)["state"][0]


@pytest.mark.parametrize("name", FORGED)
def test_a_wrong_state_changes_nothing(site: FakeSite, visitor: Visitor, name: str) -> None:
    """A 400 page without Set-Cookie; the live session goes on, and a login that waits in another tab arrives.

    Shows R-AC5.
    """
    arrived = visitor.visit(f"{site.url}/start")
    site.fake.forget_browsers()
    pending = visitor.go(f"{site.url}/oauth2/login?next=/pending")
    with Visitor() as stranger:
        foreign = state_of(stranger.go(f"{site.url}/elsewhere"))
    asked = len(site.fake.token_requests)
    query = FORGED[name](urlsplit(callback_of(arrived)).query, state_of(pending), foreign)

    refused = visitor.go(f"{site.url}/oauth2/callback?{query}", clicked_at="http://evil.example/")

    assert (refused.status, refused.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "set-cookie" not in refused.headers
    assert len(site.fake.token_requests) == asked
    assert visitor.fetch(f"{site.url}/data").json()["token"] == arrived.json()["token"]
    assert visitor.log_in(pending).url == f"{site.url}/pending"
