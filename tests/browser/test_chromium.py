"""The browser itself: what it does with the rig, before any code of ours is in between."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Page, Request, Route

from tests.providers.oidc_provider import OidcRig, StartRig

CALLBACK = "http://localhost:8000/oauth2/callback"


def authorize_url(rig: OidcRig) -> str:
    """Return the address that a login sends the browser to."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"a-verifier" * 5).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": "demo",
        "redirect_uri": CALLBACK,
        "state": "some-state",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{rig.base_url}/fotoweb/oauth2/authorize?{urlencode(query)}"


def test_a_person_logs_in_and_consents(page: Page, oidc_rig: StartRig) -> None:
    """Log-in page, consent page, and back to the callback with code and state."""
    callback: list[Request] = []

    def answer(route: Route) -> None:
        callback.append(route.request)
        route.fulfill(body="arrived", content_type="text/plain")

    page.route(f"{CALLBACK}?**", answer)
    page.goto(authorize_url(oidc_rig()))
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Authorize application").wait_for()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{CALLBACK}?**")

    assert "state=some-state" in callback[0].url
    assert "code=" in callback[0].url


def test_each_test_has_a_profile_of_its_own(browser_context: BrowserContext) -> None:
    """No cookie of another test is there."""
    assert browser_context.cookies() == []
