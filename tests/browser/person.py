"""What a person does in front of a real browser: log in, look at what the app says, log out."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import BrowserContext, Page

__all__ = ["log_in", "shown", "sign_out", "status_of"]


def log_in(page: Page, user: str = "alice") -> None:
    """Fill in FotoWeb's log-in page, allow the app where that is asked, and wait for what the echo app shows."""
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    allow, arrived = page.get_by_role("button", name="Allow"), page.locator("pre")
    allow.or_(arrived).wait_for()
    if allow.count():
        allow.click()
        arrived.wait_for()


def shown(page: Page) -> dict[str, Any]:
    """Return what the echo app told about the request that the page came from."""
    told: dict[str, Any] = json.loads(page.locator("pre").inner_text())
    return told


def status_of(context: BrowserContext, url: str) -> int:
    """Return the status of a request with the browser's cookies, outside of any page: our pages allow no script."""
    headers = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
    return context.request.get(url, headers=headers, max_redirects=0).status


def sign_out(page: Page, url: str) -> None:
    """Type the logout address and press the button of the page that asks."""
    page.goto(f"{url}/oauth2/logout")
    page.get_by_role("button", name="Sign out").click()
