"""Our pages by axe-core (WCAG 2.2 AA and its own best practices) and by the keyboard, in a real browser."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fotoweb_middleware.pages import PAGE_CODES, Pages
from tests.pages.every_page import EVERY_PAGE, PAGES
from tests.providers.node import RIG_FOLDER

AXE = RIG_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
ADDRESS = "https://app.example/"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="10" fill="#c60"/></svg>'
ONE_OF_EACH = {shown.code: shown for shown in EVERY_PAGE.values()}

# Documents are written into a page that stays: to load page and axe-core for each would take most of the time.
WRITE = """html => {
    document.open(); document.write(html); document.close();
    for (const details of document.querySelectorAll("details")) details.open = true;
}"""
JUDGE = """rules => axe.run(document, {preload: false, resultTypes: ["violations", "incomplete"], ...rules}).then(
    result => [...result.violations, ...result.incomplete].map(
        found => `${found.id}: ${found.nodes.map(node => node.html).join(" ")}`))"""


def serve(tab: Page, pages: Pages, html: bytes) -> list[str]:
    """Open a page under the policy that these pages have; return the list that the browser's complaints go to."""
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.route("**/*", lambda route: route.fulfill(status=200, headers=dict(pages.headers()), body=html))
    tab.goto(ADDRESS)
    return said


def judge(tab: Page, pages: Pages, language: str, codes: Iterable[str] = PAGE_CODES) -> dict[str, list[str]]:
    """Return what axe-core finds in a page of each code: everything in the light scheme, contrasts in the dark one."""
    if not AXE.is_file():
        pytest.skip("the rig's npm packages are not installed: run `make rig`")
    found = {"policy": serve(tab, pages, b"<!DOCTYPE html><title>x</title>")}
    tab.evaluate(f"{AXE.read_text(encoding='utf-8')};0")
    for code in codes:
        tab.emulate_media(color_scheme="light")
        tab.evaluate(WRITE, pages.html(ONE_OF_EACH[code], language).decode())
        found[code] = tab.evaluate(JUDGE, {})
        tab.emulate_media(color_scheme="dark")
        found[f"{code}, dark"] = tab.evaluate(JUDGE, {"runOnly": ["color-contrast"]})
    return {where: what for where, what in found.items() if what}


def test_every_page(page: Page) -> None:
    """Axe-core finds nothing on any page, light and dark, everything unfolded; no rule of the policy is broken."""
    assert judge(page, PAGES, "en") == {}


def test_every_page_with_name_colour_and_logo(page: Page, tmp_path: Path) -> None:
    """Nor with what an operator may set, in another language; a colour that can't be read on white is darkened."""
    logo = tmp_path / "logo.svg"
    logo.write_text(LOGO, encoding="utf-8")
    pages = Pages(app_name="Picture Desk", accent_color="#ffcc00", logo=str(logo))

    assert judge(page, pages, "de") == {}
    assert page.evaluate("document.images[0].naturalWidth > 0")


def test_what_is_wrong_is_found(page: Page, tmp_path: Path) -> None:
    """The judge is seen red: an image without words, and a text that is hard to read in the dark scheme alone."""
    (tmp_path / "style.css").write_text("@media (prefers-color-scheme: dark) { .message p { color: #555555; } }")
    (tmp_path / "signed_out.html").write_text(
        '{% extends "builtin/signed_out.html" %}{% block body %}<img src="data:,">{% endblock %}'
    )
    found = judge(page, Pages(folder=str(tmp_path)), "en", ["signed_out"])

    assert {each.partition(":")[0] for each in found["signed_out"]} == {"image-alt"}
    assert {each.partition(":")[0] for each in found["signed_out, dark"]} == {"color-contrast"}


def test_keyboard(page: Page) -> None:
    """Tab leads to the actions in their order and then to the folded part, each with a ring; Enter unfolds it."""
    said = serve(page, PAGES, PAGES.html(EVERY_PAGE["state_reused"], "en"))
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        focused = page.locator(":focus-visible")
        reached.append(focused.inner_text())
        assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"

    assert reached == ["Continue to the app", "Sign in again", "What the operator should know"]
    page.keyboard.press("Enter")
    expect(page.get_by_text("Something sends the callback twice")).to_be_visible()
    assert said == []
