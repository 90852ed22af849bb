"""The browser itself: what it does with the rig, before any code of ours is in between."""

from __future__ import annotations

import base64
import hashlib
import http.server
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.providers.oidc_provider import OidcRig, RigOptions, StartRig

CALLBACK = "http://localhost:8000/oauth2/callback"


@pytest.fixture
def app() -> Iterator[tuple[str, list[str]]]:
    """Stand in for an app: its callback's address, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"arrived")

        def log_message(self, *_args: object) -> None:
            """Stay quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/oauth2/callback", asked
        server.shutdown()
        thread.join()


def authorize_url(rig: OidcRig, callback: str) -> str:
    """Return the address that a login sends the browser to."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"a-verifier" * 5).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": "demo",
        "redirect_uri": callback,
        "state": "some-state",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{rig.base_url}/fotoweb/oauth2/authorize?{urlencode(query)}"


def test_a_person_logs_in_and_consents(page: Page, oidc_rig: StartRig, app: tuple[str, list[str]]) -> None:
    """Log-in page, consent page, and back to the callback with code and state."""
    callback, asked = app
    page.goto(authorize_url(oidc_rig(RigOptions(redirect_uris=(callback,))), callback))
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Authorize application").wait_for()
    page.get_by_role("button", name="Allow").click()
    page.get_by_text("arrived").wait_for()

    assert "state=some-state" in asked[0]
    assert "code=" in asked[0]


def test_each_test_has_a_profile_of_its_own(browser_context: BrowserContext) -> None:
    """No cookie of another test is there."""
    assert browser_context.cookies() == []
