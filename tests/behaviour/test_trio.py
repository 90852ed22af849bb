"""The ASGI middleware on trio: the same road as on asyncio."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.behaviour.kit import NAVIGATION, Opening, Visited, in_parallel, opened_portal


@pytest.fixture
def site(mode: str) -> Iterator[Visited]:
    """Return a site whose event loop is trio's, with tokens of 300 s."""
    with opened_portal("trio") as portal:
        site = Opening("asgi", portal, mode).open()
        site.fake.switch(access_token_lifetime_seconds=300, refresh_reuse_revokes=True)
        yield site


def test_login_refresh_logout(site: Visited) -> None:
    """The whole journey on trio."""
    visitor = site.visitor()
    visitor.log_in("/x")
    old = visitor.get("/").seen["token"]
    site.clock.advance(301)

    assert visitor.get("/").seen["token"] != old
    assert visitor.send("POST", "/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}).status == 200
    assert visitor.get("/").status == 401


def test_eight_at_once_make_one_refresh(site: Visited) -> None:
    """Eight trio tasks on an expired token: one refresh, eight answers."""
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(301)
    headers = [*NAVIGATION.items(), *visitor.jar.header("/")]

    replies = in_parallel(8, lambda _number: site.adapter.request("GET", "/", headers))

    assert [reply.status for reply in replies] == [200] * 8
    assert site.refreshes == 1


def test_stale_token(site: Visited) -> None:
    """A stale token is used, and refreshed after the answer."""
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(250)

    assert visitor.get("/").status == 200
    assert site.refreshes == 1
