"""When a token ages: fresh, stale, expired; one refresh for all who wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fotoweb_middleware.testing import ROTATE_NEVER, Fault
from tests.behaviour.kit import NAVIGATION, Visited, Visitor, in_parallel


@pytest.fixture
def member(visitor: Visitor) -> Visitor:
    """Return somebody with a token of 300 s, of which the last 60 are stale."""
    visitor.site.fake.switch(access_token_lifetime_seconds=300)
    visitor.log_in()
    return visitor


def test_fresh_token_needs_nobody(site: Visited, member: Visitor) -> None:
    """While the token is fresh FotoWeb is not called and no cookie is set."""
    site.clock.advance(239)
    before = len(site.fake.requests)

    reply = member.get("/")

    assert reply.status == 200
    assert reply.all("Set-Cookie") == []
    assert len(site.fake.requests) == before


def test_stale_token_is_used_and_then_refreshed(site: Visited, member: Visitor) -> None:
    """A stale request goes on with the valid token; the refresh follows, and the next request has the new one."""
    old = member.get("/").seen["token"]
    site.clock.advance(241)

    assert member.get("/").seen["token"] == old
    assert site.refreshes == 1
    new = member.get("/").seen["token"]
    assert new != old
    assert site.refreshes == 1


def test_stale_token_while_fotoweb_hangs(site: Visited, member: Visitor) -> None:
    """A stale token serves although FotoWeb gives errors; no cookie is cleared."""
    site.clock.advance(241)
    for fault in (Fault.bad_gateway(), Fault.too_many_requests(), Fault.replaced(body="<html>"), Fault.dropped()):
        site.fake.clear_faults()
        site.fake.fault("token", fault)
        assert member.get("/").status == 200
        site.clock.advance(8)
    assert "__Host-fotoweb" in member.jar.names()


def test_expired_token_is_refreshed_first(site: Visited, member: Visitor) -> None:
    """An expired token is refreshed before the app runs; the app gets the new one."""
    old = member.get("/").seen["token"]
    site.clock.advance(301)

    seen = member.get("/").seen

    assert seen["token"] != old
    assert seen["expires_at"] > site.clock()
    assert site.refreshes == 1


def test_twenty_expiries_with_rotation(site: Visited, member: Visitor) -> None:
    """With rotation every refresh token is used once, and the session lives."""
    site.fake.switch(refresh_reuse_revokes=True)
    for _ in range(20):
        site.clock.advance(301)
        assert member.get("/").status == 200

    assert site.refreshes == 20
    assert set(site.fake.posts_per_refresh_token.values()) == {1}


@pytest.mark.parametrize("kept", ["omitted", "null", "empty", "repeated"])
def test_without_rotation_the_old_refresh_token_is_kept(site: Visited, member: Visitor, kept: str) -> None:
    """Where no new refresh token comes, the old one is used again and again."""
    site.fake.switch(rotate_every=ROTATE_NEVER, kept_refresh_token=kept)
    for _ in range(5):
        site.clock.advance(301)
        assert member.get("/").status == 200

    assert list(site.fake.posts_per_refresh_token.values()) == [5]


def test_eight_at_once_make_one_refresh(site: Visited, member: Visitor) -> None:
    """Eight parallel requests on an expired token: one refresh, eight answers with the new token, session alive."""
    site.fake.switch(refresh_reuse_revokes=True)
    for _ in range(5):
        site.clock.advance(301)
        before = site.refreshes
        headers = [*NAVIGATION.items(), *member.jar.header("/")]

        replies = in_parallel(8, lambda _number, sent=headers: site.adapter.request("GET", "/", sent))

        assert [reply.status for reply in replies] == [200] * 8
        assert len({reply.seen["token"] for reply in replies}) == 1
        assert site.refreshes == before + 1
        member.jar.take(replies[0])
    assert member.get("/").status == 200


def test_lost_responses_lose_no_session(site: Visited, member: Visitor) -> None:
    """A browser that never got the new cookie goes on with its old one, any number of times."""
    for _ in range(5):
        site.clock.advance(301)
        assert site.adapter.request("GET", "/", [*NAVIGATION.items(), *member.jar.header("/")]).status == 200

    assert site.refreshes == 5
    assert member.get("/").status == 200


def test_cookies_that_arrive_out_of_order(site: Visited, member: Visitor) -> None:
    """An older cookie never brings older tokens back (R-CS11; T-CX-09)."""
    old = dict(member.jar.cookies)
    site.clock.advance(301)
    token = member.get("/").seen["token"]
    member.jar.cookies = dict(old)

    assert member.get("/").seen["token"] == token
    assert site.refreshes == 1
    assert (member.jar.cookies != old) == (site.settings.cookie_mode == "sealed")
    assert member.get("/").all("Set-Cookie") == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault.invalid_grant(),
        Fault.invalid_grant(403),
        Fault.replaced(status=400, body="<html>Bad Request</html>", content_type="text/html"),
        Fault.replaced(status=401, body=""),
        Fault.replaced(status=403, body="{}"),
        Fault.oauth_error("token_expired_in_some_other_words"),
    ],
    ids=lambda fault: f"{fault.name}-{fault.status}",
)
def test_refusal_ends_the_session(site: Visited, member: Visitor, fault: Fault) -> None:
    """A refused refresh ends the session: fetches get 401, the cookie goes, and the token is never sent again."""
    site.clock.advance(301)
    site.fake.fault("token", fault)
    cookies = dict(member.jar.cookies)

    assert member.get("/").status == 401
    assert member.jar.names() == {"__Host-fotoweb-attempts"}
    assert site.app.calls == 0
    member.jar.cookies = cookies
    assert member.visit("/").status == 302
    assert site.refreshes == 1


def test_refusal_on_a_navigation_logs_in_again(site: Visited, member: Visitor) -> None:
    """A navigation whose refresh is refused goes to the login, and comes back where it was going."""
    site.clock.advance(301)
    site.fake.revoke_everything()

    assert member.log_in("/deep?x=1").location == "/deep?x=1"
    assert member.get("/").status == 200


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client", "unsupported_grant_type"])
def test_operators_fault_keeps_the_session(site: Visited, member: Visitor, error: str) -> None:
    """A refusal of the app itself gives a 502 that tells the operator; the session goes on once it is fixed."""
    site.clock.advance(301)
    site.fake.fault("token", Fault.oauth_error(error, 401))

    reply = member.visit("/")

    assert reply.status == 502
    assert "fotoweb-middleware check" in reply.text
    assert member.get("/").status == 502
    assert site.refreshes == 1
    site.fake.clear_faults()
    site.clock.advance(2)
    assert member.get("/").status == 200


@pytest.mark.parametrize(
    "fault",
    [
        Fault.bad_gateway(),
        Fault.server_error(),
        Fault.dropped(),
        Fault.too_many_requests(5),
        Fault.replaced(body="<html>Sign in</html>", content_type="text/html"),
        Fault.replaced(body='{"access_token": 1}'),
        Fault.replaced(status=404, body="{}"),
        Fault.oauth_error("temporarily_unavailable", 400),
    ],
    ids=lambda fault: f"{fault.name}-{fault.status}",
)
def test_failure_keeps_the_session(site: Visited, member: Visitor, fault: Fault) -> None:
    """A refresh that fails gives 503 with Retry-After; when FotoWeb is back the same session goes on."""
    site.clock.advance(301)
    site.fake.fault("token", fault)

    reply = member.get("/")

    assert reply.status == 503
    assert int(reply.header("Retry-After") or 0) >= 1
    assert reply.all("Set-Cookie") == []
    site.fake.clear_faults()
    site.clock.advance(9)
    assert member.get("/").status == 200


def test_outage_costs_few_calls(site: Visited, member: Visitor) -> None:
    """FotoWeb down for a minute, a hundred requests a second: at most 15 tries in all."""
    site.clock.advance(301)
    site.fake.fault("token", Fault.bad_gateway())
    for _ in range(600):
        assert member.get("/").status == 503
        site.clock.advance(0.1)

    assert site.refreshes <= 15


def test_retry_after_is_honoured(site: Visited, member: Visitor) -> None:
    """No try before FotoWeb's Retry-After is over (R-TE18)."""
    site.clock.advance(301)
    site.fake.fault("token", Fault.too_many_requests(30), times=1)

    assert member.get("/").header("Retry-After") == "30"
    site.clock.advance(29)
    assert member.get("/").status == 503
    site.clock.advance(2)
    assert member.get("/").status == 200


def test_stale_refresh_is_not_repeated(site: Visited, member: Visitor) -> None:
    """While FotoWeb fails, stale requests do not each try again."""
    site.clock.advance(250)
    site.fake.fault("token", Fault.bad_gateway())
    for _ in range(10):
        assert member.get("/").status == 200

    assert site.refreshes == 1


def test_wait_is_bounded(open_site: Callable[..., Visited]) -> None:
    """Whatever FotoWeb does, all who wait get an answer; the others are not disturbed (R-TE18)."""
    site = open_site(http_timeout=2)
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor, other = site.visitor(), site.visitor("bob")
    visitor.log_in()
    site.clock.advance(100)
    other.log_in()
    site.clock.advance(201)
    site.fake.fault("token", Fault.dropped())
    headers = [*NAVIGATION.items(), *visitor.jar.header("/")]

    replies = in_parallel(20, lambda _number: site.adapter.request("GET", "/", headers))

    assert {reply.status for reply in replies} == {503}
    assert other.get("/").status == 200
    assert site.refreshes == 1
