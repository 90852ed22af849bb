"""Mounted under a sub-path: prefix, callback, login and logout addresses, and public paths are relative to it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.behaviour.kit import NAVIGATION, Visited


@pytest.fixture
def site(open_site: Callable[..., Visited]) -> Visited:
    """Return a site under /sub whose callback address is derived."""
    return open_site(_mount="/sub", redirect_uri=None, public_paths=("/open/*",))


def test_login_under_a_mount(site: Visited) -> None:
    """The login leads to the mount's callback and back below the mount (R-RP6)."""
    visitor = site.visitor()

    reply = visitor.visit("/sub/a?b=1")

    assert "redirect_uri=https%3A%2F%2Fapp.test%2Fsub%2Foauth2%2Fcallback" in reply.location
    assert visitor.visit(visitor.approve(reply.location)).location == "/sub/a?b=1"
    assert visitor.get("/sub/a").seen["user"] == "alice"


def test_addresses_under_a_mount(site: Visited) -> None:
    """``login_url`` and ``logout_url`` hold the mount (T-RP-08)."""
    visitor = site.visitor()
    assert json.loads(visitor.get("/sub/").body)["login_url"] == "/sub/oauth2/login"
    visitor.log_in("/sub/")

    assert json.loads(visitor.get("/sub/oauth2/session").body)["logout_url"] == "/sub/oauth2/logout"
    assert visitor.send("POST", "/sub/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}).status == 200
    assert visitor.get("/sub/").status == 401


def test_public_paths_under_a_mount(site: Visited) -> None:
    """Public paths are relative to the mount."""
    assert site.visitor().get("/sub/open/x").status == 200
    assert site.visitor().get("/sub/sub/open/x").status == 401


def test_front_page_of_a_mount(site: Visited) -> None:
    """Where no way back is known, a login ends on the mount's front page."""
    visitor = site.visitor()

    location = visitor.visit("/sub/oauth2/login?next=//evil.test").location

    assert visitor.visit(visitor.approve(location)).location == "/sub/"


def test_own_pages_of_a_mount_are_no_targets(site: Visited) -> None:
    """A login never ends on one of our own pages."""
    visitor = site.visitor()

    location = visitor.visit("/sub/oauth2/login?next=/sub/oauth2/logout").location

    assert visitor.visit(visitor.approve(location)).location == "/sub/"
