"""What the Back button shows after a logout: nothing that the app answered while somebody was signed in (T-LO-01)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import find_chromium, running_chromium
from tests.browser.firefox import Firefox, find_firefox, running_firefox
from tests.browser.person import log_in, sign_out
from tests.servers.serving import UVICORN_H11
from tests.servers.sites import FakeSite, fake_site, wait_for

BACK = "void setTimeout(() => history.back())"
"""Afterwards: a script that is still running when its page goes away is an error to Playwright."""
NUMBER = "document.querySelector('pre')?.innerText ?? ''"


@pytest.fixture
def site() -> Iterator[FakeSite]:
    """Return an app whose pages browsers keep, and a simulator."""
    with fake_site(UVICORN_H11, app="tests.browser.history_app:app") as started:
        yield started


@pytest.mark.parametrize("history_cache", [True, False], ids=["history cache", "HTTP cache"])
def test_chromium(site: FakeSite, history_cache: bool) -> None:
    """Neither cache of Chromium shows the page again: Back asks the app, and that means a new login."""
    if find_chromium() is None:
        pytest.skip("no Chromium here: install Debian's package `chromium`")
    with running_chromium(history_cache=history_cache) as browser:
        page = browser.new_page()
        number = number_in_chromium(site, page)
        sign_out(page, site.url)
        page.get_by_role("heading", name="You are signed out").wait_for()

        page.go_back()  # To the page that asked.
        page.evaluate(BACK)
        page.wait_for_url(f"{site.url}/second", wait_until="commit")  # What is kept loads nothing.

        assert page.locator("pre").inner_text() != number
        assert site.logins == 2


def number_in_chromium(site: FakeSite, page: Page) -> str:
    """Log in, go to another page of the app, and return its number; Back alone shows the first page as it was."""
    page.goto(f"{site.url}/first")
    log_in(page)
    first = page.locator("pre").inner_text()
    page.goto(f"{site.url}/second")
    page.evaluate(BACK)
    page.wait_for_url(f"{site.url}/first", wait_until="commit")  # What is kept loads nothing.
    assert page.locator("pre").inner_text() == first
    page.goto(f"{site.url}/second")
    return page.locator("pre").inner_text()


def test_firefox(site: FakeSite) -> None:
    """Firefox shows it neither."""
    if find_firefox() is None:
        pytest.skip("no Firefox here: install Debian's package `firefox-esr`")
    with running_firefox() as firefox:
        number = number_in_firefox(site, firefox)
        firefox.open(f"{site.url}/oauth2/logout")
        firefox.evaluate("document.querySelector('form button').click()")
        wait_for(lambda: "You are signed out" in firefox.evaluate("document.body?.innerText ?? ''"), "the logout")

        firefox.back()
        wait_for(lambda: "Sign out?" in firefox.evaluate("document.body?.innerText ?? ''"), "the page that asked")
        firefox.back()
        wait_for(lambda: firefox.evaluate("location.pathname") == "/second" and firefox.evaluate(NUMBER), "the page")

        assert firefox.evaluate(NUMBER) != number
        assert site.logins == 2


def number_in_firefox(site: FakeSite, firefox: Firefox) -> str:
    """Log in, go to another page of the app, and return its number; Back alone shows the first page as it was."""
    firefox.open(f"{site.url}/first")
    firefox.evaluate(
        "const [user, password] = document.querySelectorAll('input:not([type=hidden])');"
        "user.value = 'alice'; password.value = 'secret'; document.querySelector('button').click()"
    )
    wait_for(lambda: "Allow" in firefox.evaluate("document.body?.innerText ?? ''"), "the question of FotoWeb")
    firefox.evaluate("[...document.querySelectorAll('button')].find(one => one.innerText === 'Allow').click()")
    wait_for(lambda: bool(firefox.evaluate(NUMBER)), "the app")
    first = firefox.evaluate(NUMBER)
    firefox.open(f"{site.url}/second")
    firefox.back()
    wait_for(lambda: firefox.evaluate("location.pathname") == "/first" and firefox.evaluate(NUMBER), "the first page")
    assert firefox.evaluate(NUMBER) == first
    firefox.open(f"{site.url}/second")
    number: str = firefox.evaluate(NUMBER)
    return number
