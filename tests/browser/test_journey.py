"""The whole journey in a real Chromium: app on localhost, independent authorization server on 127.0.0.1."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.person import log_in, shown, sign_out, status_of
from tests.providers.oidc_provider import StartRig
from tests.servers.serving import GUNICORN_THREADS, UVICORN_HTTPTOOLS, Kind
from tests.servers.sites import TOKEN_SECONDS, RigSite, rig_site


@pytest.mark.rig
@pytest.mark.parametrize("kind", [UVICORN_HTTPTOOLS, GUNICORN_THREADS], ids=str)
def test_from_the_login_to_the_logout(kind: Kind, oidc_rig: StartRig, page: Page) -> None:
    """Intercept, login, consent, callback, accepted token, expiry, transparent refresh, logout, still logged out."""
    with rig_site(kind, oidc_rig) as site:
        first = check_login(site, page)
        check_refresh(site, page, first, kind)
        check_logout(site, page)


def check_login(site: RigSite, page: Page) -> dict[str, object]:
    """The app's page comes after FotoWeb's two; its token works at FotoWeb."""
    target = f"{site.url}/pictures/a%20b?c=d&e=%2F"
    page.goto(target)
    log_in(page)
    page.wait_for_url(target)
    seen = shown(page)
    assert (seen["path"], seen["query"], list(seen["cookies"])) == ("/pictures/a b", "c=d&e=%2F", ["fotoweb-tag"])
    assert site.accepts(str(seen["token"]))
    return seen


def shown_at(page: Page, url: str) -> dict[str, Any]:
    """Go to a page of the app and return what it shows."""
    page.goto(url)
    seen: dict[str, Any] = shown(page)
    return seen


def check_refresh(site: RigSite, page: Page, first: dict[str, object], kind: Kind) -> None:
    """After the token has expired the next page has a new one, and FotoWeb was seen by nobody."""
    seen_urls: list[str] = []
    site.clock.advance(TOKEN_SECONDS + 1)
    page.on("request", lambda request: seen_urls.append(request.url))
    seen = shown_at(page, f"{site.url}/later")
    assert seen["token"] != first["token"]
    assert site.accepts(str(seen["token"]))
    assert [url for url in seen_urls if not url.startswith(site.url)] == []


def check_logout(site: RigSite, page: Page) -> None:
    """The address asks first; then the page says so, and the session is gone."""
    sign_out(page, site.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    assert status_of(page.context, f"{site.url}/data") == 401
    assert page.context.cookies(site.url) == []
    page.reload()
    assert status_of(page.context, f"{site.url}/data") == 401
