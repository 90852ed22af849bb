"""What a login that failed must look like, whatever the token endpoint did."""

from __future__ import annotations

from tests.attacks.browser import Browser
from tests.attacks.raw_client import RawReply

__all__ = ["check_failed_login", "check_outage"]


def check_failed_login(reply: RawReply, browser: Browser) -> None:
    """Check for a page that tells of the failure: no session, no redirect, one token request."""
    assert 400 <= reply.status < 500 or reply.status in {502, 503}, (reply, reply.text[:300])
    assert reply.header("Content-Type") == "text/html; charset=utf-8"
    assert (reply.header("Location"), reply.header("Refresh"), browser.session_cookies) == (None, None, {})
    assert "Traceback" not in reply.text
    assert browser.xhr("/").status == 401
    assert browser.posts == 1


def check_outage(reply: RawReply, browser: Browser, cookies: dict[str, str]) -> None:
    """Check that a refresh that failed kept the session: 503 for now, and no cookie was touched."""
    assert (reply.status, reply.all("Set-Cookie"), browser.session_cookies) == (503, [], cookies)
    assert int(reply.header("Retry-After") or 0) >= 1
    assert browser.xhr("/oauth2/session").status == 200
