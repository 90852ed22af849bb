"""Logout: who may, what it removes, and that it sticks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import NAVIGATION, Visited, Visitor

CLICK = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", CLICK),
        ("POST", {"Origin": "https://app.test"}),
        ("POST", {}),
        ("GET", CLICK),
    ],
)
def test_logout_from_this_origin(site: Visited, member: Visitor, method: str, headers: dict[str, str]) -> None:
    """A POST or a click of our own origin ends the session in browser and store; its cookies are dead (R-LO1)."""
    member.visit("/oauth2/login")
    cookies = dict(member.jar.cookies)

    reply = member.send(method, "/oauth2/logout", headers)

    assert reply.status == 200
    assert "signed out" in reply.text
    assert reply.all("Clear-Site-Data") == ['"cache"']
    assert member.jar.names() == set()
    member.jar.cookies = cookies
    assert member.get("/").status == 401
    assert site.app.calls == 0


@pytest.mark.parametrize(
    "headers",
    [
        NAVIGATION,
        {**CLICK, "Sec-Purpose": "prefetch;prerender"},
        {**CLICK, "Sec-Fetch-Dest": "iframe"},
        {**NAVIGATION, "Sec-Fetch-Site": "cross-site"},
        {},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_any_other_get_asks_first(member: Visitor, headers: dict[str, str]) -> None:
    """A GET that is no click of our own origin shows the confirmation page and changes nothing (R-LO1)."""
    reply = member.send("GET", "/oauth2/logout", headers)

    assert reply.status == 200
    assert '<form method="post" action="/oauth2/logout"' in reply.text
    assert reply.all("Set-Cookie") == []
    assert member.get("/").seen["user"] == "alice"


@pytest.mark.parametrize(
    "headers",
    [
        {**NAVIGATION, "Sec-Fetch-Site": "cross-site"},
        {**NAVIGATION, "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ],
)
def test_post_from_another_origin_is_refused(member: Visitor, headers: dict[str, str]) -> None:
    """Nobody else can log a user out (R-LO1)."""
    reply = member.send("POST", "/oauth2/logout", headers)

    assert reply.status == 403
    assert member.get("/").seen["user"] == "alice"


def test_post_logout_url(open_site: Callable[..., Visited]) -> None:
    """``FOTOWEB_POST_LOGOUT_URL`` is where a logout leads; its origin is admitted by the confirmation page."""
    site = open_site(post_logout_url="https://www.company.test/bye")
    visitor = site.visitor()
    visitor.log_in()

    page = visitor.visit("/oauth2/logout")
    reply = visitor.send("POST", "/oauth2/logout", CLICK)

    assert "form-action 'self' https://www.company.test" in (page.header("Content-Security-Policy") or "")
    assert (reply.status, reply.location) == (302, "https://www.company.test/bye")
    assert visitor.jar.names() == set()


@pytest.mark.parametrize("cookie", ["", "__Host-fotoweb=garbage"])
def test_logout_without_a_session(visitor: Visitor, cookie: str) -> None:
    """A logout without a session, or with a broken cookie, still signs out (R-LO3)."""
    headers = {**CLICK, "Cookie": cookie} if cookie else CLICK

    reply = visitor.send("POST", "/oauth2/logout", headers)

    assert reply.status == 200
    assert len(reply.all("Set-Cookie")) == bool(cookie)


def test_logout_beside_a_planted_cookie(site: Visited, member: Visitor) -> None:
    """Where a second cookie of our name came no request is let in, but a logout ends the sessions of both."""
    other = site.visitor("bob")
    other.log_in()
    cookies = [visitor.jar.header("/")[0][1] for visitor in (member, other)]

    reply = site.visitor().send("POST", "/oauth2/logout", {**CLICK, "Cookie": "; ".join([*cookies, "a=b"])})

    assert reply.status == 200
    assert [visitor.get("/").status for visitor in (member, other)] == [401, 401]


@pytest.mark.parametrize(
    "planted",
    ["{name}=junk", "{name}.1=junk", "{name}=3~junk; {name}.1=junk; {name}.2=junk", "{many}"],
    ids=["first part", "second part", "all parts", "a hundred"],
)
def test_logout_of_a_session_in_parts_beside_planted_cookies(open_site: Callable[..., Visited], planted: str) -> None:
    """Also a session whose cookie came in parts ends, whatever was planted before its parts."""
    site = open_site()
    if site.settings.cookie_mode == "reference":  # A handle never comes in parts.
        return
    site.fake.switch(access_token_length=3500)
    visitor = site.visitor()
    visitor.log_in()
    assert visitor.get("/").status == 200
    name = "__Host-fotoweb"
    junk = planted.format(name=name, many="; ".join(f"{name}=junk{number}" for number in range(100)))
    cookies = f"{junk}; {visitor.jar.header('/')[0][1]}"

    assert site.visitor().get("/", Cookie=cookies).status == 401
    assert site.visitor().send("POST", "/oauth2/logout", {**CLICK, "Cookie": cookies}).status == 200
    assert visitor.get("/").status == 401


@pytest.mark.parametrize("value", ["x", "y" * 1000], ids=["short", "long"])
def test_logout_beside_parts_that_make_hundreds_of_values(site: Visited, member: Visitor, value: str) -> None:
    """Eight planted values of each of three parts make 512; the whole cookie behind them is found."""
    name = "__Host-fotoweb"
    parts = [f"{name}{end}{value}{number}" for end in ("=3~", ".1=", ".2=") for number in range(8)]
    cookies = "; ".join([*parts, member.jar.header("/")[0][1]])

    assert site.visitor().send("POST", "/oauth2/logout", {**CLICK, "Cookie": cookies}).status == 200
    assert member.get("/").status == 401


def test_logout_with_fotoweb_down(member: Visitor) -> None:
    """FotoWeb is not asked (R-LO3)."""
    member.site.fake.switch(reachable=False)

    assert member.send("POST", "/oauth2/logout", CLICK).status == 200
    assert member.get("/").status == 401


def test_other_methods(member: Visitor) -> None:
    """Other methods get 405."""
    reply = member.send("DELETE", "/oauth2/logout", CLICK)

    assert reply.status == 405
    assert reply.header("Allow") == "GET, POST"


def test_logout_does_not_log_in_again(site: Visited, member: Visitor) -> None:
    """After a logout no request leads to FotoWeb by itself, though FotoWeb would say yes at once (R-LO3)."""
    site.fake.switch(auto_login="alice")

    reply = member.send("POST", "/oauth2/logout", CLICK)

    assert "Location" not in dict(reply.headers)
    assert len(site.fake.token_requests) == 1


def test_replay_after_logout_and_refresh(site: Visited, visitor: Visitor) -> None:
    """Every cookie that a session ever had is refused after its logout."""
    site.fake.switch(access_token_lifetime_seconds=60)
    visitor.log_in()
    jars = [dict(visitor.jar.cookies)]
    for _ in range(3):
        site.clock.advance(61)
        assert visitor.get("/").status == 200
        jars.append(dict(visitor.jar.cookies))
    visitor.send("POST", "/oauth2/logout", CLICK)

    for jar in jars:
        visitor.jar.cookies = jar
        assert visitor.get("/").status == 401


@pytest.mark.parametrize(("login", "is_offered"), [("optional", True), ("required", False)])
def test_signed_out_page_leads_back_to_a_public_app(
    open_site: Callable[..., Visited], login: str, *, is_offered: bool
) -> None:
    """Where login is optional the signed-out page leads back to the app; elsewhere that would sign in again."""
    reply = open_site(login=login).visitor().send("POST", "/oauth2/logout", CLICK)

    assert ('<a href="/">Back to the app</a>' in reply.text) == is_offered
