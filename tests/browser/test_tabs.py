"""Several tabs and the back button in a real Chromium, and callbacks that must change nothing.

On one server: both middlewares answer alike (tests/behaviour), and the browser is what differs from the tests there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.person import log_in, shown, status_of
from tests.servers.serving import UVICORN_H11
from tests.servers.sites import FakeSite, fake_site


@pytest.fixture(scope="module")
def site() -> Iterator[FakeSite]:
    """Return an app and a simulator that all tests of this file visit with profiles of their own."""
    with fake_site(UVICORN_H11) as started:
        yield started


def callbacks_of(page: Page) -> list[str]:
    """Return a list that fills with the callbacks that the page goes through."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url) if "/oauth2/callback?" in request.url else None)
    return urls


def test_two_tabs_that_log_in_at_once_both_arrive(site: FakeSite, browser_context: BrowserContext) -> None:
    """Both tabs stand at FotoWeb's log-in page; each ends where it was going."""
    tabs = {path: browser_context.new_page() for path in ("/first", "/second")}
    for path, tab in tabs.items():
        tab.goto(f"{site.url}{path}")
    log_in(tabs["/second"])
    tabs["/second"].wait_for_url(f"{site.url}/second")
    log_in(tabs["/first"])
    tabs["/first"].wait_for_url(f"{site.url}/first")

    assert status_of(browser_context, f"{site.url}/data") == 200


def test_the_back_button_after_a_login_harms_nothing(site: FakeSite, page: Page) -> None:
    """Back leads to FotoWeb's pages, forward to the app; nobody is logged out by it."""
    page.goto(f"{site.url}/start")
    log_in(page)
    page.wait_for_url(f"{site.url}/start")
    token = shown(page)["token"]
    while page.url.startswith(site.url) and page.go_back() is not None:
        pass
    assert not page.url.startswith(site.url)
    page.goto(f"{site.url}/on")

    assert shown(page)["token"] == token


def test_going_back_and_allowing_again_ends_in_a_page_that_works(site: FakeSite, page: Page) -> None:
    """Who goes back to the consent page and presses Allow once more is told so, or arrives again; never in a loop."""
    page.goto(f"{site.url}/start")
    log_in(page)
    page.wait_for_url(f"{site.url}/start")
    page.go_back()
    page.wait_for_load_state()
    allow = page.get_by_role("button", name="Allow")
    if allow.count():
        allow.click()
        page.wait_for_load_state()
    page.goto(f"{site.url}/on")

    assert shown(page)["path"] == "/on"


@pytest.mark.parametrize("name", ["reused", "foreign"])
def test_a_wrong_state_changes_nothing(site: FakeSite, browser_context: BrowserContext, name: str) -> None:
    """A 400 page and no Set-Cookie; the session and a login in another tab go on."""
    page, other = browser_context.new_page(), browser_context.new_page()
    used = callbacks_of(page)
    page.goto(f"{site.url}/start")
    log_in(page)
    page.wait_for_url(f"{site.url}/start")
    site.fake.forget_browsers()
    other.goto(f"{site.url}/oauth2/login?next=/pending")
    wrong = {
        "reused": used[0],
        "foreign": f"{site.url}/oauth2/callback?code=c&state={'f' * 32}",
    }
    before = browser_context.cookies(site.url)

    response = page.goto(wrong[name])

    assert response is not None
    assert (response.status, response.header_value("set-cookie")) == (400, None)
    assert browser_context.cookies(site.url) == before
    assert status_of(browser_context, f"{site.url}/data") == 200
    log_in(other)
    other.wait_for_url(f"{site.url}/pending")
