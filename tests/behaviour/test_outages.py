"""FotoWeb or the server cache out of reach: who goes on, who waits, and that nobody is logged out by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.behaviour.kit import NAVIGATION, Visited, Visitor

CLICK = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}


class BreakableCache(MemoryCache):
    """A shared cache that can be out of reach."""

    shared = True
    is_down = False

    def __getattribute__(self, name: str) -> Any:
        """Refuse every call while down."""
        if name in {"load", "save", "bury", "take_lease", "free_lease"} and self.is_down:
            message = "down, as the test wants it"
            raise CacheUnavailable(message)
        return super().__getattribute__(name)


@pytest.fixture
def cache() -> BreakableCache:
    """Return a cache that works, until it does not."""
    return BreakableCache(1000)


@pytest.fixture
def site(open_site: Callable[..., Visited], cache: BreakableCache) -> Visited:
    """Return a site with that cache, and tokens of 300 s."""
    site = open_site(_cache=cache)
    site.fake.switch(access_token_lifetime_seconds=300)
    return site


def test_fotoweb_down_with_a_valid_token(site: Visited, member: Visitor) -> None:
    """While the token is valid nothing of FotoWeb's outage is seen."""
    site.fake.switch(reachable=False)
    for _ in range(5):
        site.clock.advance(59)
        assert member.get("/").status == 200


def test_fotoweb_down_with_an_expired_token(site: Visited, member: Visitor) -> None:
    """Once it has expired: 503 with Retry-After; when FotoWeb is back, the same session goes on."""
    site.fake.switch(reachable=False)
    site.clock.advance(301)

    page, problem = member.visit("/deep"), member.get("/")

    assert (page.status, problem.status) == (503, 503)
    assert page.header("Retry-After") == problem.header("Retry-After") == "1"
    assert page.header("Content-Type") == "text/html; charset=utf-8"
    assert 'href="/deep"' in page.text
    assert problem.header("Content-Type") == "application/problem+json"
    site.fake.switch(reachable=True)
    site.clock.advance(9)
    assert member.get("/").seen["user"] == "alice"
    assert [request.grant_type for request in site.fake.token_requests].count("authorization_code") == 1


def test_cache_down_with_a_session(site: Visited, member: Visitor, cache: BreakableCache) -> None:
    """Sealed mode goes on from its cookie; reference mode answers 503; no cookie is cleared, and both recover."""
    member.get("/")
    cookies = dict(member.jar.cookies)
    cache.is_down = True
    site.clock.advance(6)

    reply = member.get("/")

    assert reply.status == (200 if site.settings.cookie_mode == "sealed" else 503)
    assert (reply.header("Retry-After") is None) == (reply.status == 200)
    assert member.jar.cookies == cookies
    cache.is_down = False
    assert member.get("/").status == 200


def test_cache_down_during_a_refresh(site: Visited, member: Visitor, cache: BreakableCache) -> None:
    """A refresh in sealed mode needs no cache; what the cache missed is saved once it is back."""
    if site.settings.cookie_mode == "reference":
        return
    cache.is_down = True
    site.clock.advance(301)
    assert member.get("/").status == 200
    assert site.refreshes == 1
    cache.is_down = False
    site.clock.advance(6)
    assert member.get("/").status == 200
    newest = max(entry.stored.version for entry in cache._entries.values())

    assert newest > 1_000_000


def test_session_that_outgrows_its_cookie_while_the_cache_is_down(
    site: Visited, member: Visitor, cache: BreakableCache
) -> None:
    """No handle is given out for what the cache does not hold: the browser keeps its cookie until the cache is back."""
    if site.settings.cookie_mode == "reference":
        return
    before = dict(member.jar.cookies)
    site.fake.switch(access_token_length=12_000)
    cache.is_down = True
    site.clock.advance(301)
    assert len(member.get("/").seen["token"]) == 12_000
    assert member.jar.cookies == before
    cache.is_down = False
    site.clock.advance(6)

    assert len(member.get("/").seen["token"]) == 12_000
    assert member.jar.cookies != before
    assert site.refreshes == 1


def test_large_login_with_the_cache_down(site: Visited, visitor: Visitor, cache: BreakableCache) -> None:
    """A session too large for cookies can't begin without the cache; the page leads to a new login, not to a reload."""
    if site.settings.cookie_mode == "reference":
        return
    site.fake.switch(access_token_length=12_000)
    callback = visitor.approve(visitor.visit("/deep").location)
    cache.is_down = True

    reply = visitor.visit(callback)

    assert (reply.status, "Reload this page" in reply.text) == (503, False)
    assert 'href="/oauth2/login?next=%2Fdeep"' in reply.text


def test_login_with_the_cache_down(site: Visited, visitor: Visitor, cache: BreakableCache) -> None:
    """A login in sealed mode needs no cache; in reference mode it says 503, and its code is not spent."""
    callback = visitor.approve(visitor.visit("/").location)
    cache.is_down = True

    reply = visitor.visit(callback)

    if site.settings.cookie_mode == "sealed":
        assert reply.status == 302
        assert visitor.visit(callback).status == 400
        return
    assert reply.status == 503
    assert reply.header("Retry-After")
    assert not site.fake.token_requests
    cache.is_down = False
    assert visitor.visit(callback).status == 302


def test_logout_with_the_cache_down(site: Visited, member: Visitor, cache: BreakableCache) -> None:
    """A logout clears the browser's cookies, and this process honours it."""
    member.get("/")
    cookies = dict(member.jar.cookies)
    cache.is_down = True

    assert member.send("POST", "/oauth2/logout", CLICK).status == 200
    assert member.jar.names() == set()
    cache.is_down = False
    member.jar.cookies = cookies
    assert member.get("/").status == 401


def test_logout_during_an_outage_is_told_later(
    open_site: Callable[..., Visited], site: Visited, member: Visitor, cache: BreakableCache
) -> None:
    """Once the cache is back, other processes learn of a logout that it missed."""
    elsewhere = open_site(_cache=cache, _fake=site.fake, _clock=site.clock)
    cookies = dict(member.jar.cookies)
    cache.is_down = True
    member.send("POST", "/oauth2/logout", CLICK)
    cache.is_down = False
    site.visitor("bob").log_in()
    site.visitor("bob").log_in()
    someone = site.visitor("bob")
    someone.log_in()
    someone.get("/")

    stranger = elsewhere.visitor()
    stranger.jar.cookies = cookies
    assert stranger.get("/").status == 401


def test_status_with_the_cache_down(site: Visited, member: Visitor, cache: BreakableCache) -> None:
    """``PREFIX/session`` says 503 only where the cache alone could tell."""
    cache.is_down = True

    expected = 200 if site.settings.cookie_mode == "sealed" else 503
    assert member.get("/oauth2/session").status == expected
