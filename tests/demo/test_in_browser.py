"""The demo in a real browser: what the page's script does, and that nothing is loaded from elsewhere.

The script waits for tokens to age, in real time, so each test runs under one middleware; test_running.py has both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from fotoweb_middleware.demo.running import Demo, running
from tests.browser.chromium import find_chromium, running_chromium

pytestmark = pytest.mark.browser
MOST_MILLISECONDS = 40_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium."""
    if find_chromium() is None:
        pytest.skip("no Chromium here: install Debian's package `chromium`")
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """Run a demo whose tokens last eight seconds: refreshed soon, and long enough for a page that loads slowly."""
    with running(
        host="127.0.0.1", port=0, wsgi=getattr(request, "param", False), token_lifetime_seconds=8
    ) as running_demo:
        yield running_demo


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a tab in a fresh profile, narrow as a phone."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(MOST_MILLISECONDS)
    expect.set_options(timeout=MOST_MILLISECONDS)  # It has a time-out of its own, of five seconds.
    yield context.new_page()
    context.close()


def sign_in(page: Page, demo: Demo) -> None:
    """Log in and consent by clicking."""
    page.goto(demo.url)
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Nordic coast").wait_for()


def test_the_whole_visit(page: Page, demo: Demo) -> None:
    """Log in, see pictures, see the token change without touching anything, log out and stay logged out."""
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text) if message.type != "info" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    sign_in(page, demo)
    mark = page.locator("#mark").inner_text()
    page.get_by_text("Token refreshed").first.wait_for()

    expect(page.locator("#mark")).not_to_have_text(mark)
    expect(page.locator("#clock")).to_have_text(re.compile(r"0:0[0-8]"))
    expect(page.locator("#clock-words")).to_have_text("left")
    for image in page.locator("img").all():
        expect(image).to_have_js_property("complete", value=True)
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    assert page.request.get(f"{demo.url}/status", max_redirects=0).status in {302, 401}
    assert complaints == []
    assert hosts == {urlsplit(demo.url).netloc, urlsplit(demo.site.settings.url).netloc}


def test_first_screen_of_a_phone_shows_a_picture(page: Page, demo: Demo) -> None:
    """A picture, and most of it, is seen without scrolling on a small phone."""
    page.set_viewport_size({"width": 360, "height": 740})
    sign_in(page, demo)
    picture = page.locator(".grid img").first.bounding_box()

    assert picture is not None
    assert picture["y"] + picture["height"] <= 740
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate(
        "[...document.querySelectorAll('.token *')].every(each => each.getBoundingClientRect().right <= 344)"
    )


@pytest.mark.parametrize("demo", [True], ids=["wsgi"], indirect=True)
def test_a_session_that_ended_elsewhere(page: Page, demo: Demo) -> None:
    """The page says so and offers a way back, without a reload."""
    sign_in(page, demo)
    assert demo.site.simulator is not None
    demo.site.simulator.revoke_everything()

    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()


def test_fotoweb_out_of_reach(page: Page, demo: Demo) -> None:
    """Once the token has run out the page says so; when FotoWeb is back it continues by itself."""
    assert demo.site.simulator is not None
    demo.site.simulator.switch(access_token_lifetime_seconds=6)
    sign_in(page, demo)
    demo.site.simulator.switch(reachable=False)
    notice = page.locator("#notice")
    expect(notice).to_contain_text("FotoWeb can't be reached")
    demo.site.simulator.switch(reachable=True)

    expect(notice).to_be_hidden()
    expect(page.get_by_text("Token refreshed").first).to_be_visible()
