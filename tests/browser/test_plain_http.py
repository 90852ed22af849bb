"""An app at a plain http name of an intranet, with FOTOWEB_COOKIE_SECURE=false: browsers say little there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.person import log_in, shown, sign_out
from tests.servers.serving import GUNICORN_THREADS, UVICORN_HTTPTOOLS, Kind
from tests.servers.sites import fake_site

HOST = "app.intranet.test"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a Chromium for which the host of these tests is this machine."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium here: install Debian's package `chromium`")
    flags = [*FLAGS, f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=flags) as running:
        yield running


@pytest.mark.parametrize(("kind", "same_site"), [(UVICORN_HTTPTOOLS, "lax"), (GUNICORN_THREADS, "strict")], ids=str)
def test_log_in_and_out_where_the_browser_says_little(kind: Kind, same_site: str, page: Page) -> None:
    """Login and logout work where the browser sends no Sec-Fetch headers and no Secure cookie."""
    with fake_site(kind, host=HOST, cookie_secure="false", cookie_samesite=same_site) as site:
        page.goto(f"{site.url}/start")
        log_in(page)
        assert shown(page)["path"] == "/start"
        posts: list[Request] = []
        page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
        sign_out(page, site.url)
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        assert page.context.cookies(site.url) == []
        headers = posts[0].all_headers()
        assert (headers.get("sec-fetch-site"), headers["origin"]) == (None, site.url)
