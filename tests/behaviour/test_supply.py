"""What the wrapped app gets to see, and what it never does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import FETCH, Visited, Visitor


@pytest.fixture(params=["stages", "shortcut"])
def settle(request: pytest.FixtureRequest) -> Callable[[Visitor], Visitor]:
    """Return what logs somebody in whose requests go through the stages, or the short way (``stages.shortcut``)."""

    def log_in(visitor: Visitor) -> Visitor:
        visitor.site.fake.switch(access_token_lifetime_seconds=300)
        visitor.log_in()
        if request.param == "shortcut":
            visitor.jar.forget_logins()
            visitor.get("/")
        return visitor

    return log_in


@pytest.fixture
def member(visitor: Visitor, settle: Callable[[Visitor], Visitor]) -> Visitor:
    """Return somebody who is logged in."""
    return settle(visitor)


def test_one_bearer_whatever_the_client_sent(member: Visitor) -> None:
    """The app sees exactly one Authorization, the session's."""
    seen = member.get("/", Authorization="Bearer forged").seen

    assert seen["authorization"] == f"Bearer {seen['token']}"
    assert seen.get("times", 1) == 1


def test_own_cookies_are_hidden(member: Visitor) -> None:
    """The app never sees our cookies, and all others as they came."""
    session = member.jar.header("/")[0][1]
    member.jar.cookies = {}

    seen = member.get("/", Cookie=f'a=1; {session}; b="x y"; __Host-fotowebx=2').seen

    assert seen["cookie"] == 'a=1; b="x y"; __Host-fotowebx=2'


def test_no_cookie_header_is_left(member: Visitor) -> None:
    """Where only our cookies came, the app sees no Cookie header."""
    assert member.get("/").seen["cookie"] is None


def test_injection_off(open_site: Callable[..., Visited], settle: Callable[[Visitor], Visitor]) -> None:
    """``FOTOWEB_INJECT_HEADER=false`` leaves the client's Authorization alone; the session is in the scope."""
    site = open_site(inject_header=False)
    visitor = settle(site.visitor())

    seen = visitor.get("/", Authorization="Basic own").seen

    assert seen["authorization"] == "Basic own"
    assert seen["token"]


def test_remote_user_is_never_the_clients(site: Visited, member: Visitor) -> None:
    """``REMOTE_USER`` is the session's user."""
    assert member.get("/", **{"Remote-User": "root", "Remote_User": "root"}).seen["remote_user"] == "alice"


def test_token_in_an_address_is_no_login(site: Visited, member: Visitor) -> None:
    """A valid token in the address, as FotoWeb's ``{{oauth.token}}`` puts it there, lets nobody in (T-RP-12)."""
    token = member.get("/").seen["token"]

    reply = site.visitor().get(f"/?access_token={token}&token={token}")

    assert reply.status == 401


def test_headers_of_proxies_are_the_clients(member: Visitor) -> None:
    """Headers by which proxies name a user reach the app as they came, as the page on security says."""
    assert member.get("/", **{"X-Forwarded-User": "root"}).seen["forwarded_user"] == "root"


def test_bearer_belongs_to_the_cookies_user(site: Visited, settle: Callable[[Visitor], Visitor]) -> None:
    """Two users at once each get their own token, in the session and in the header (R-TE17)."""
    alice, bob = settle(site.visitor("alice")), settle(site.visitor("bob"))

    hers, his = alice.get("/").seen, bob.get("/").seen

    assert (hers["user"], his["user"]) == ("alice", "bob")
    assert hers["token"] != his["token"]
    assert [seen["authorization"] for seen in (hers, his)] == [f"Bearer {seen['token']}" for seen in (hers, his)]


def test_bearer_is_the_newest_token(site: Visited, member: Visitor) -> None:
    """After a refresh the header holds the new token, the first time and from then on."""
    before = member.get("/").seen["token"]
    site.clock.advance(241)

    seen = [member.get("/").seen for _ in range(4)]

    assert before != seen[-1]["token"]
    assert [each["authorization"] for each in seen] == [f"Bearer {each['token']}" for each in seen]


def test_tokens_never_reach_the_browser(site: Visited, member: Visitor) -> None:
    """No token stands readable in any header or body of ours."""
    token = member.get("/").seen["token"]
    replies = [member.visit(path) for path in ("/oauth2/session", "/oauth2/logout", "/oauth2/callback")]

    assert all(token not in str(reply.headers) + reply.text for reply in replies)
    assert token not in str(member.jar.cookies)


def test_responses_without_our_cookie_are_untouched(site: Visited, member: Visitor) -> None:
    """Where we set no cookie, the app's headers go out as they are."""
    site.app.headers = [("Cache-Control", "public, max-age=60"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]

    reply = member.site.adapter.request("GET", "/", [*FETCH.items(), *member.jar.header("/")])

    assert reply.header("Cache-Control") == "public, max-age=60"
    assert reply.all("Set-Cookie") == ["a=1", "b=2"]


def test_responses_with_our_cookie_are_private(site: Visited, member: Visitor) -> None:
    """Where we set a cookie, no shared cache may keep the response, and the app's own cookies stay beside ours."""
    if site.settings.cookie_mode == "reference":
        return  # Its cookie never changes.
    site.app.headers = [("Cache-Control", "public, max-age=3600"), ("Set-Cookie", "a=1"), ("Vary", "Accept")]
    site.clock.advance(30_000)

    reply = site.adapter.request("GET", "/", [*FETCH.items(), *member.jar.header("/")])

    assert reply.header("Cache-Control") == "private, max-age=3600"
    assert ", ".join(reply.all("Vary")) == "Accept, Cookie"
    assert [cookie.partition("=")[0] for cookie in reply.all("Set-Cookie")] == ["a", "__Host-fotoweb"]
