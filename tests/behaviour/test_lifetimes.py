"""How long tokens and sessions last: spellings of ``expires_in``, lifetime and idle limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import Visited, Visitor


def test_no_refresh_token(site: Visited, visitor: Visitor) -> None:
    """Without a refresh token the session ends with its access token, and no refresh is tried."""
    site.fake.switch(access_token_lifetime_seconds=300, refresh_tokens=False)
    visitor.log_in()
    site.clock.advance(299)
    assert visitor.get("/").status == 200
    site.clock.advance(2)

    assert visitor.get("/").status == 401
    assert site.refreshes == 0


@pytest.mark.parametrize(
    ("raw", "expected_seconds"),
    [("28800.000000", 28_800), ("3600", 3600), ('"3600"', 3600), ("null", None), ("1e15", 10 * 365 * 86_400)],
)
def test_spellings_of_expires_in(site: Visited, visitor: Visitor, raw: str, expected_seconds: float | None) -> None:
    """``expires_in`` may be a decimal, an integer, a digit string or absent."""
    site.fake.switch(expires_in_raw=raw)
    visitor.log_in()

    expires_at = visitor.get("/").seen["expires_at"]

    assert expires_at == (None if expected_seconds is None else site.clock() + expected_seconds)


def test_unknown_expiry_never_refreshes(site: Visited, visitor: Visitor) -> None:
    """Where no expiry is known, the token is used until the session ends."""
    site.fake.switch(expires_in_style="absent")
    visitor.log_in()
    site.clock.advance(40_000)

    assert visitor.get("/").seen["expires_at"] is None
    assert site.refreshes == 0


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "-1", "true", '"abc"', '"1e3"', "[]", "{}", '"\uff13\uff16"'])
def test_unreadable_expiry_is_nonsense(site: Visited, visitor: Visitor, raw: str) -> None:
    """Any other value counts as nonsense."""
    site.fake.switch(expires_in_raw=raw)

    reply = visitor.visit(visitor.approve(visitor.visit("/").location))

    assert reply.status == 502


def test_tokens_that_are_born_expired(site: Visited, visitor: Visitor) -> None:
    """``expires_in`` of 0 is no loop: each token serves one request, and each request costs at most one refresh.

    Shows R-TE13.
    """
    site.fake.switch(expires_in_raw="0")
    visitor.log_in()
    assert site.app.calls == 0

    assert visitor.get("/").status == 200
    assert site.refreshes == 0
    tokens = {visitor.get("/").seen["token"] for _ in range(4)}
    assert len(tokens) == 4
    assert site.refreshes == 4


def test_expired_token_without_a_refresh_token(site: Visited, visitor: Visitor) -> None:
    """A token that has expired, however short it lived, serves no request where nothing can refresh it."""
    site.fake.switch(access_token_lifetime_seconds=1, refresh_tokens=False)
    callback = visitor.log_in("/here")
    site.clock.advance(2)

    assert visitor.visit(callback.location).status == 302
    assert visitor.get("/").status == 401


def test_half_the_lifetime_caps_the_leeway(site: Visited, visitor: Visitor) -> None:
    """A token of 60 s is fresh for 30, though the leeway is 60."""
    site.fake.switch(access_token_lifetime_seconds=60)
    visitor.log_in()
    site.clock.advance(29)
    visitor.get("/")
    assert site.refreshes == 0

    site.clock.advance(2)
    visitor.get("/")
    assert site.refreshes == 1


def test_session_lifetime_ends_it_all(open_site: Callable[..., Visited]) -> None:
    """``FOTOWEB_SESSION_LIFETIME`` after the login the session ends, refreshed or not, Max-Age ignored (R-CS9)."""
    site = open_site(session_lifetime=1000)
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(600)
    assert visitor.get("/").status == 200
    cookies = dict(visitor.jar.cookies)
    site.clock.advance(400)
    visitor.jar.cookies = cookies

    assert visitor.get("/").status == 401
    assert visitor.visit("/").status == 302


def test_idle_limit(open_site: Callable[..., Visited]) -> None:
    """``FOTOWEB_SESSION_IDLE`` seconds without a request end the session; requests keep it alive (R-CS9)."""
    site = open_site(session_idle=100)
    visitor = site.visitor()
    visitor.log_in()
    for _ in range(20):
        site.clock.advance(50)
        assert visitor.get("/").status == 200
    cookies = dict(visitor.jar.cookies)
    site.clock.advance(101)
    visitor.jar.cookies = cookies

    assert visitor.get("/").status == 401


def test_refresh_under_an_idle_limit(open_site: Callable[..., Visited]) -> None:
    """Noting requests and refreshing tokens do not undo one another."""
    site = open_site(session_idle=200)
    site.fake.switch(access_token_lifetime_seconds=300, refresh_reuse_revokes=True)
    visitor = site.visitor()
    visitor.log_in()
    for _ in range(40):
        site.clock.advance(55)
        assert visitor.get("/").status == 200

    assert set(site.fake.posts_per_refresh_token.values()) == {1}


def test_the_clock_goes_back_where_nothing_can_be_renewed(site: Visited, visitor: Visitor) -> None:
    """Without a refresh token a clock that goes back ends no session: the token serves until its end."""
    site.fake.switch(refresh_tokens=False)
    visitor.log_in()
    cookies = dict(visitor.jar.cookies)
    site.wall.wrong_by_seconds = -90

    assert (visitor.get("/").status, visitor.jar.cookies) == (200, cookies)


def test_the_clock_goes_back_after_a_login(site: Visited, visitor: Visitor) -> None:
    """A clock that goes back an hour makes no token last longer: one refresh, and the session lives."""
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor.log_in()
    site.wall.wrong_by_seconds = -3600

    assert visitor.get("/").status == 200
    assert visitor.get("/").status == 200
    assert site.refreshes == 1


def test_the_clock_was_years_ahead_at_the_login(site: Visited, visitor: Visitor) -> None:
    """A session that began years ahead of now is none: it would never end (R-TE21)."""
    site.wall.wrong_by_seconds = 10 * 365 * 86_400
    visitor.log_in()
    site.wall.wrong_by_seconds = 0

    assert visitor.get("/").status == 401


def test_the_clock_jumps_to_and_fro(site: Visited, visitor: Visitor) -> None:
    """A clock that jumps an hour, and back, costs a refresh each time at most, and ends no session (R-TE21)."""
    visitor.log_in()
    for wrong_by_seconds in (3600, 0, 30_000, 0, -3600, 0):
        site.wall.wrong_by_seconds = wrong_by_seconds
        assert visitor.get("/").status == 200

    assert site.refreshes <= 6


def test_the_busiest_is_pushed_out_last(open_site: Callable[..., Visited]) -> None:
    """Where memory is full, whoever was not here for longest goes first, and not the busiest."""
    site = open_site(cache_size=3)
    alice = site.visitor("alice")
    alice.log_in()
    for _ in range(6):
        site.visitor("bob").log_in()
        site.clock.advance(6)
        assert alice.get("/").status == 200
