"""The JavaScript of single-page-apps.md and fotoweb-api.md in a real Chromium, in an app behind the middleware."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from fotoweb_middleware.testing import Fault
from tests.servers.serving import UVICORN_H11
from tests.servers.sites import TOKEN_SECONDS, FakeSite, fake_site


@pytest.fixture
def site() -> Iterator[FakeSite]:
    """Return the app of the recipes and a simulator."""
    with fake_site(UVICORN_H11, app="tests.browser.recipes_app:app") as started:
        yield started


@pytest.fixture
def shown(site: FakeSite, page: Page) -> Page:
    """Return the app's page, after Alice has signed in."""
    page.goto(f"{site.url}/?tab=2")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{site.url}/?tab=2")
    return page


def test_a_fetch_without_a_session_leads_to_the_login_and_back(site: FakeSite, shown: Page) -> None:
    """A single-page app whose session has ended comes back, signed in, to the address where it was, with the draft."""
    errors: list[str] = []
    shown.on("pageerror", lambda error: errors.append(error.message))
    shown.get_by_role("button", name="Who am I?").click()
    expect(shown.locator("#user")).to_have_text("Alice Berg")
    shown.locator("textarea").fill("half a sentence")
    site.fake.revoke_everything()
    site.clock.advance(TOKEN_SECONDS + 1)

    with shown.expect_navigation(url=f"{site.url}/?tab=2"):
        shown.get_by_role("button", name="Who am I?").click()

    expect(shown.locator("#user")).to_have_text("")
    expect(shown.locator("textarea")).to_have_value("half a sentence")
    shown.get_by_role("button", name="Who am I?").click()
    expect(shown.locator("#user")).to_have_text("Alice Berg")
    assert site.logins == 2
    assert errors == []


def test_an_asset_is_chosen_and_exported(site: FakeSite, shown: Page) -> None:
    """Both widgets show in their frame, take the token, and tell the page what was chosen and exported."""
    shown.get_by_role("button", name="Choose").click()
    widget = shown.frame_locator("#widget")
    widget.get_by_role("button", name="Choose Male_fern_004.jpg").click()
    expect(shown.locator("#chosen")).to_have_text("Male_fern_004.jpg")

    shown.get_by_role("button", name="Export").click()
    widget.get_by_role("button", name="Export Male_fern_004.jpg").click()

    expect(shown.locator("#exported")).to_contain_text("/fotoweb/cache/v2/")
    assert shown.context.request.get(shown.locator("#exported").inner_text()).status == 200


def test_choosing_is_cancelled(site: FakeSite, shown: Page) -> None:
    """The widget's Cancel button is the page's business."""
    shown.get_by_role("button", name="Choose").click()
    widget = shown.frame_locator("#widget")
    expect(widget.get_by_text("Ready.")).to_be_visible()  # Its script has run.
    widget.get_by_role("button", name="Cancel").click()

    expect(shown.locator("#chosen")).to_have_text("selectionWidgetCancel")


def test_a_widget_whose_token_was_ended_says_so(site: FakeSite, shown: Page) -> None:
    """It can't renew a token: it shows what FotoWeb answers."""
    site.fake.fault("api", Fault(name="ended", status=401))
    shown.get_by_role("button", name="Choose").click()

    expect(shown.frame_locator("#widget").get_by_text("FotoWeb answers 401.")).to_be_visible()
