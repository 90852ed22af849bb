"""Fixtures for tests that drive a real browser. Every test of this folder is marked ``browser``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import find_chromium, running_chromium

HERE = Path(__file__).parent
PATIENCE_SECONDS = 15.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium, one for each test file."""
    # Not for the whole session: while Playwright runs, no other test on this thread could use asyncio.
    if find_chromium() is None:
        pytest.skip("no Chromium here: install Debian's package `chromium`")
    with running_chromium() as running:
        yield running


@pytest.fixture
def browser_context(browser: Browser) -> Iterator[BrowserContext]:
    """Return a fresh profile: no cookies, no storage. Open several pages in it for tabs of one user."""
    context = browser.new_context(viewport={"width": 900, "height": 700})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)  # It has a time-out of its own, of five seconds.
    yield context
    context.close()


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    """Return one tab in a fresh profile."""
    return browser_context.new_page()
