"""FotoWeb or the store out of reach: who goes on, who waits, and that nobody is logged out by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import NAVIGATION, Visited, Visitor

CLICK = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def site(open_site: Callable[..., Visited]) -> Visited:
    """Return a site with a shared store that can be out of reach, and tokens of 300 s."""
    site = open_site(_shared=True)
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


def test_store_down_with_a_session(site: Visited, member: Visitor) -> None:
    """Sealed mode goes on from its cookie; reference mode answers 503; no cookie is cleared, and both recover."""
    member.get("/")
    cookies = dict(member.jar.cookies)
    site.store.is_down = True
    site.clock.advance(6)

    reply = member.get("/")

    assert reply.status == (200 if site.settings.cookie_mode == "sealed" else 503)
    assert (reply.header("Retry-After") is None) == (reply.status == 200)
    assert member.jar.cookies == cookies
    site.store.is_down = False
    assert member.get("/").status == 200


def test_store_down_during_a_refresh(site: Visited, member: Visitor) -> None:
    """A refresh in sealed mode needs no store; what the store missed is saved once it is back."""
    if site.settings.cookie_mode == "reference":
        return
    before = site.store.stored_session()
    site.store.is_down = True
    site.clock.advance(301)
    assert member.get("/").status == 200
    assert site.refreshes == 1
    site.store.is_down = False
    site.clock.advance(6)
    assert member.get("/").status == 200
    after = site.store.stored_session()

    assert before is not None
    assert after is not None
    assert after.version > before.version


def test_session_that_outgrows_its_cookie_while_the_store_is_down(site: Visited, member: Visitor) -> None:
    """No handle is given out for what the store does not hold: the browser keeps its cookie until the store is back."""
    if site.settings.cookie_mode == "reference":
        return
    before = dict(member.jar.cookies)
    site.fake.switch(access_token_length=12_000)
    site.store.is_down = True
    site.clock.advance(301)
    assert len(member.get("/").seen["token"]) == 12_000
    assert member.jar.cookies == before
    site.store.is_down = False
    site.clock.advance(6)

    assert len(member.get("/").seen["token"]) == 12_000
    assert member.jar.cookies != before
    assert site.refreshes == 1


def test_large_login_with_the_store_down(site: Visited, visitor: Visitor) -> None:
    """A session too large for cookies can't begin without the store; the page leads to a new login, not to a reload."""
    if site.settings.cookie_mode == "reference":
        return
    site.fake.switch(access_token_length=12_000)
    callback = visitor.approve(visitor.visit("/deep").location)
    site.store.is_down = True

    reply = visitor.visit(callback)

    assert (reply.status, "Reload this page" in reply.text) == (503, False)
    assert 'href="/oauth2/login?next=%2Fdeep"' in reply.text


def test_login_with_the_store_down(site: Visited, visitor: Visitor) -> None:
    """A login in sealed mode needs no store; in reference mode it says 503, and its code is not spent."""
    callback = visitor.approve(visitor.visit("/").location)
    site.store.is_down = True

    reply = visitor.visit(callback)

    if site.settings.cookie_mode == "sealed":
        assert reply.status == 302
        assert visitor.visit(callback).status == 400
        return
    assert reply.status == 503
    assert reply.header("Retry-After")
    assert not site.fake.token_requests
    site.store.is_down = False
    assert visitor.visit(callback).status == 302


def test_logout_with_the_store_down(site: Visited, member: Visitor) -> None:
    """A logout clears the browser's cookies, and this process honours it."""
    member.get("/")
    cookies = dict(member.jar.cookies)
    site.store.is_down = True

    assert member.send("POST", "/oauth2/logout", CLICK).status == 200
    assert member.jar.names() == set()
    site.store.is_down = False
    member.jar.cookies = cookies
    assert member.get("/").status == 401


def test_logout_during_an_outage_is_told_later(
    open_site: Callable[..., Visited], site: Visited, member: Visitor
) -> None:
    """Once the store is back, other processes learn of a logout that it missed (R-LO2)."""
    elsewhere = open_site(_store=site.store, _fake=site.fake, _clock=site.clock)
    cookies = dict(member.jar.cookies)
    site.store.is_down = True
    member.send("POST", "/oauth2/logout", CLICK)
    site.store.is_down = False
    site.visitor("bob").log_in()
    site.visitor("bob").log_in()
    someone = site.visitor("bob")
    someone.log_in()
    someone.get("/")

    twin = elsewhere.visitor()
    twin.jar.cookies = cookies
    assert twin.get("/").status == 401


def test_status_with_the_store_down(site: Visited, member: Visitor) -> None:
    """``PREFIX/session`` says 503 only where the store alone could tell."""
    site.store.is_down = True
    site.clock.advance(6)

    expected = 200 if site.settings.cookie_mode == "sealed" else 503
    assert member.get("/oauth2/session").status == expected
