"""Each FOTOWEB_COOKIE_SAMESITE in a real Chromium, with FotoWeb on another site: the login arrives."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.person import log_in, shown
from tests.servers.serving import UVICORN_HTTPTOOLS
from tests.servers.sites import fake_site


@pytest.mark.parametrize("same_site", ["lax", "strict", "none"])
def test_a_login_arrives_whatever_the_cookie_says(page: Page, same_site: str) -> None:
    """The page that was asked for comes after one login, and stays after a reload."""
    secure = "true" if same_site == "none" else "auto"
    with fake_site(UVICORN_HTTPTOOLS, cookie_samesite=same_site, cookie_secure=secure) as site:
        page.goto(f"{site.url}/start")
        log_in(page)
        assert shown(page)["path"] == "/start"
        page.reload()
        assert shown(page)["path"] == "/start"
        assert site.logins == 1
