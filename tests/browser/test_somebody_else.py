"""Who may not enter, in a real Chromium: the page's links lead to a login as somebody else."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.person import shown
from tests.servers.serving import UVICORN_HTTPTOOLS
from tests.servers.sites import fake_site


def sign_in(page: Page, user: str) -> None:
    """Fill in FotoWeb's log-in page, and allow the app."""
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Allow").click()


def test_sign_in_as_somebody_else(page: Page) -> None:
    """FotoWeb signs the same person in again, until they sign out there; then somebody else enters, where they went."""
    with fake_site(UVICORN_HTTPTOOLS, allowed_users="alice") as site:
        page.goto(f"{site.url}/start")
        sign_in(page, "bob")
        expect(page.get_by_role("heading", level=1)).to_have_text("You may not use this app")
        expect(page.get_by_text("You are signed in to FotoWeb as Bob Holm (bob)")).to_be_visible()
        page.get_by_role("link", name="Sign in as somebody else").click()
        expect(page.get_by_text("Bob Holm (bob)")).to_be_visible()

        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Open FotoWeb").click()
        opened.value.get_by_role("button", name="Log out").click()
        expect(opened.value.get_by_label("User name")).to_be_visible()
        page.get_by_role("link", name="Sign in as somebody else").click()
        sign_in(page, "alice")
        page.locator("pre").wait_for()
        assert (shown(page)["user"], shown(page)["path"]) == ("alice", "/start")
