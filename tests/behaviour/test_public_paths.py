"""``FOTOWEB_PUBLIC_PATHS``: what is public, and what only looks so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import FETCH, Visited

PATHS = ("/public", "/public/*")


@pytest.mark.parametrize("path", ["/public", "/public/", "/public/x", "/public/%C3%A4"])
def test_public_paths_need_no_login(open_site: Callable[..., Visited], path: str) -> None:
    """A public path reaches the app without a session."""
    site = open_site(public_paths=PATHS)

    assert not site.visitor().get(path).seen["has_key"]


@pytest.mark.parametrize(
    "path",
    [
        "/public-secret",
        "/publicity",
        "/x/public",
        "/PUBLIC",
        "/private?p=/public",
        "/public/../private",
        "/public/%2e%2e/private",
        "/public%2f..%2fprivate",
        "/public/..%2fprivate",
        "/public/;/../private",
        "/public;/../private",
        "/public/..\\private",
        "/public/%5c..%5cprivate",
        "//public/../private",
        "/public%00",
        "/public/%00",
        "/public/%252e%252e/private",
        "/public//private",
        "/public/./x",
        "/public/%2fx",
        "/public/%23/private",
        "/public/%3f/private",
    ],
)
def test_ambiguous_paths_are_protected(open_site: Callable[..., Visited], path: str) -> None:
    """A path that two readers could read in two ways is never public."""
    site = open_site(public_paths=PATHS)

    assert site.visitor().get(path).status == 401
    assert site.app.calls == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Uri": "/public"},
        {"X-Original-URL": "/public"},
        {"X-Rewrite-URL": "/public"},
        {"X-HTTP-Method-Override": "OPTIONS"},
        {"User-Agent": "kube-probe/1.29"},
    ],
)
def test_headers_make_nothing_public(open_site: Callable[..., Visited], headers: dict[str, str]) -> None:
    """Only the path that the app routes on decides."""
    site = open_site(public_paths=PATHS)

    assert site.visitor().get("/private", **headers).status == 401


def test_public_path_with_a_session(open_site: Callable[..., Visited]) -> None:
    """On a public path the app gets the session where there is one."""
    site = open_site(public_paths=PATHS)
    visitor = site.visitor()
    visitor.log_in()

    assert visitor.get("/public").seen["user"] == "alice"


def test_public_path_while_fotoweb_is_down(open_site: Callable[..., Visited]) -> None:
    """Where the token has expired and FotoWeb is down, a public path passes without a session."""
    site = open_site(public_paths=PATHS)
    site.fake.switch(access_token_lifetime_seconds=60)
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(61)
    site.fake.switch(reachable=False)

    assert not visitor.get("/public").seen["has_key"]
    assert visitor.get("/private").status == 503
    assert "__Host-fotoweb" in visitor.jar.names()


def test_forged_authorization_on_a_public_path(open_site: Callable[..., Visited]) -> None:
    """The client's Authorization never reaches the app: it may trust the header."""
    site = open_site(public_paths=PATHS)

    assert site.visitor().send("GET", "/public", {**FETCH, "Authorization": "Bearer x"}).seen["authorization"] is None
