"""``PREFIX/session``: what a page may know of the session."""

from __future__ import annotations

import json

from tests.behaviour.kit import FETCH, Visitor


def test_status_of_a_session(member: Visitor) -> None:
    """200 with both ends, the token's and the session's, and the logout address; nothing else."""
    began_at = member.site.clock()
    reply = member.get("/oauth2/session")

    assert reply.status == 200
    assert reply.header("Content-Type") == "application/json"
    assert reply.header("Cache-Control") == "no-store"
    assert json.loads(reply.body) == {
        "authenticated": True,
        "expires_at": member.get("/").seen["expires_at"],
        "session_ends_at": began_at + 43_200,
        "logout_url": "/oauth2/logout",
    }


def test_status_without_a_session(visitor: Visitor) -> None:
    """401 as for every fetch, also for a navigation."""
    assert visitor.get("/oauth2/session").status == 401
    assert visitor.visit("/oauth2/session").status == 401


def test_status_refreshes_nothing(visitor: Visitor) -> None:
    """With an expired token that could be refreshed it still says 200, and leaves the refresh to a real request."""
    visitor.site.fake.switch(access_token_lifetime_seconds=60)
    visitor.log_in()
    visitor.site.clock.advance(61)

    assert visitor.get("/oauth2/session").status == 200
    assert visitor.site.refreshes == 0


def test_status_of_an_expired_session_without_refresh_token(visitor: Visitor) -> None:
    """With an expired token that nothing can refresh it says 401."""
    visitor.site.fake.switch(access_token_lifetime_seconds=60, refresh_tokens=False)
    visitor.log_in()
    visitor.site.clock.advance(61)

    assert visitor.get("/oauth2/session").status == 401


def test_head_and_other_methods(member: Visitor) -> None:
    """HEAD answers without a body; other methods get 405."""
    assert member.send("HEAD", "/oauth2/session").body == b""
    assert member.send("POST", "/oauth2/session", FETCH).status == 405
