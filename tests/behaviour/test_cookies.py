"""Cookies on the browser: attributes, size, keys, and who may plant one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import FETCH, Visited, Visitor


def test_session_cookie_attributes(visitor: Visitor) -> None:
    """The session cookie is ``__Host-``, Secure, HttpOnly, Lax, and lasts as long as the session."""
    cookie = visitor.log_in().all("Set-Cookie")[0]

    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-fotoweb=")
    assert attributes == ["Max-Age=43200", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"]


@pytest.mark.parametrize(("samesite", "login"), [("strict", "Lax"), ("none", "None")])
def test_samesite(open_site: Callable[..., Visited], samesite: str, login: str) -> None:
    """``FOTOWEB_COOKIE_SAMESITE`` holds for the session; the login cookie must survive the way back, so it is Lax."""
    visitor = open_site(cookie_samesite=samesite).visitor()

    reply = visitor.visit("/")
    session = visitor.visit(visitor.approve(reply.location)).all("Set-Cookie")[0]

    assert reply.all("Set-Cookie")[0].endswith(f"SameSite={login}")
    assert session.endswith(f"SameSite={samesite.title()}")


def test_strict_cookies_make_no_loop(open_site: Callable[..., Visited]) -> None:
    """A Strict cookie is kept back on the way from FotoWeb: so the callback answers with a page that leads on.

    Shows R-AC15.
    """
    site = open_site(cookie_samesite="strict")
    visitor = site.visitor()

    page = visitor.visit(visitor.approve(visitor.visit("/deep?x=1").location), **{"Sec-Fetch-Site": "cross-site"})

    assert (page.status, page.header("Refresh")) == (200, "0; url=/deep?x=1")
    assert 'href="/deep?x=1"' in page.text
    assert visitor.visit("/deep?x=1", **{"Sec-Fetch-Site": "same-origin"}).seen["user"] == "alice"


@pytest.mark.parametrize("characters", [600, 1100, 2000, 3000, 12_000])
def test_long_tokens_work(site: Visited, visitor: Visitor, characters: int) -> None:
    """Tokens of any realistic length work, refresh included; all our cookies stay within 6 KiB."""
    site.fake.switch(access_token_length=characters, refresh_token_length=characters, access_token_lifetime_seconds=300)
    visitor.log_in()
    seen = visitor.get("/").seen
    assert len(seen["token"]) == characters
    site.clock.advance(301)

    assert visitor.get("/").seen["token"] != seen["token"]
    assert sum(len(name) + len(value) for (name, _), value in visitor.jar.cookies.items()) <= 6144
    assert visitor.get("/").status == 200


def test_monstrous_tokens_end_in_a_page(site: Visited, visitor: Visitor) -> None:
    """A token that no header could carry ends in an error page, not in a loop."""
    site.fake.switch(access_token_length=100_000)

    assert visitor.visit(visitor.approve(visitor.visit("/").location)).status == 502


def test_session_that_shrinks_leaves_no_part_behind(open_site: Callable[..., Visited]) -> None:
    """When a session needs fewer cookies than before, the others are removed."""
    site = open_site()
    site.fake.switch(access_token_length=3500, access_token_lifetime_seconds=300)
    visitor = site.visitor()
    visitor.log_in()
    parts = visitor.jar.names()
    site.fake.switch(access_token_length=600)
    site.clock.advance(301)
    visitor.get("/")

    assert len(parts - {"__Host-fotoweb-attempts"}) == (2 if site.settings.cookie_mode == "sealed" else 1)
    assert visitor.jar.names() == {"__Host-fotoweb", "__Host-fotoweb-attempts"}
    assert visitor.get("/").status == 200


def test_parts_dropped_swapped_or_mixed(open_site: Callable[..., Visited]) -> None:
    """Parts that do not belong together are no session."""
    site = open_site()
    if site.settings.cookie_mode == "reference":
        return  # A handle is never split.
    site.fake.switch(access_token_length=3500)
    alice, bob = site.visitor("alice"), site.visitor("bob")
    alice.log_in()
    bob.log_in()
    first, second = ("__Host-fotoweb", "/"), ("__Host-fotoweb.1", "/")
    a, b = alice.jar.cookies, bob.jar.cookies

    for cookies in (
        {first: a[first]},
        {second: a[second]},
        {first: a[second], second: a[first]},
        {first: a[first], second: b[second]},
        {first: b[first], second: a[second]},
        {first: "3" + a[first][1:], second: a[second]},
        {first: "9" + a[first][1:], second: a[second]},
    ):
        stranger = site.visitor()
        stranger.jar.cookies = cookies
        assert stranger.get("/").status == 401


def test_parts_over_two_cookie_headers(open_site: Callable[..., Visited]) -> None:
    """Several Cookie headers are one (HTTP/2 splits them)."""
    site = open_site()
    site.fake.switch(access_token_length=3500)
    visitor = site.visitor()
    visitor.log_in()
    pairs = [("Cookie", f"{name}={value}") for (name, _), value in visitor.jar.cookies.items()]

    assert site.adapter.request("GET", "/", [*FETCH.items(), *pairs]).seen["user"] == "alice"


def test_two_values_of_one_cookie(site: Visited, member: Visitor) -> None:
    """The same cookie with two different values is no session: somebody planted one; twice the same value is fine."""
    (cookie,) = [value for _, value in member.jar.header("/")]
    other = site.visitor("bob")
    other.log_in()
    (planted,) = [value for _, value in other.jar.header("/")]
    member.jar.cookies = {}

    assert member.get("/", Cookie=f"{cookie}; {planted}").status == 401
    assert member.get("/", Cookie=f"{planted}; {cookie}").status == 401
    assert member.get("/", Cookie=f"{cookie}; x=y; {cookie}").seen["user"] == "alice"


@pytest.mark.parametrize("change", ["Name", "prefix", "space", "nameless", "quoted"])
def test_names_match_byte_for_byte(site: Visited, member: Visitor, change: str) -> None:
    """Nothing that only looks like our cookie is read as it."""
    value = member.jar.cookies["__Host-fotoweb", "/"]
    member.jar.cookies = {}
    planted = {
        "Name": f"__host-fotoweb={value}",
        "prefix": f"fotoweb={value}",
        "space": f"\xe2\x80\x80__Host-fotoweb={value}",
        "nameless": f"=__Host-fotoweb={value}",
        "quoted": f'__Host-fotoweb="{value}"',
    }[change]

    assert member.get("/", Cookie=planted).status == 401


def test_every_changed_byte_is_noticed(site: Visited, member: Visitor) -> None:
    """A cookie with one character changed, cut or added never opens as another session."""
    value = member.jar.cookies["__Host-fotoweb", "/"]
    step = max(1, len(value) // 60)
    variants = [value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :] for at in range(0, len(value), step)]
    variants += [value[:at] for at in range(0, len(value), step)]
    variants += [f"{value}=", f"{value}!!!!", f"{value}A", value + value]
    answers = set()
    for variant in variants:
        stranger = site.visitor()
        stranger.jar.cookies = {("__Host-fotoweb", "/"): variant}
        reply = stranger.get("/")
        answers.add(reply if reply.status == 401 else reply.seen["user"])

    assert len(answers - {"alice"}) == 1


def test_many_foreign_cookies(member: Visitor) -> None:
    """Foreign junk neither raises nor hides our cookie."""
    junk = 'x={"json":1}; a; =b; ;;; "q"=1; $Version=1; é=ü; ' + "; ".join(f"c{number}=v" for number in range(2000))
    session = member.jar.header("/")[0][1]
    member.jar.cookies = {}

    assert member.get("/", Cookie=f"{junk}; {session}").seen["user"] == "alice"


def test_after_processing_fault_is_one_login(site: Visited, visitor: Visitor) -> None:
    """Where FotoWeb's rotating answer was lost on the way, the worst that follows is one clean login."""
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor.log_in()
    site.clock.advance(301)
    site.fake.fault("token", Fault.dropped(after_processing=True), times=1)

    assert visitor.get("/").status == 503
    site.clock.advance(9)
    assert visitor.get("/").status == 401
    visitor.log_in()
    assert visitor.get("/").status == 200


def test_only_one_spelling_of_a_cookie(site: Visited, member: Visitor) -> None:
    """Base64 has other spellings of the same signature; none of them opens, so none fills the memory."""
    value = member.jar.cookies["__Host-fotoweb", "/"]
    last = value[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    siblings = [value[:-1] + other for other in alphabet if other != last]
    for variant in (f"{value}!", f"{value}{'!' * 4000}", f"{value}=", value.replace(".", ".!"), *siblings):
        member.jar.cookies["__Host-fotoweb", "/"] = variant
        assert member.get("/").status == 401


def test_cookies_stay_in_budget_over_a_dead_session(open_site: Callable[..., Visited]) -> None:
    """A login over a large cookie that is no session any more gives up its long way back rather than the budget."""
    site = open_site(session_idle=600)
    site.fake.switch(access_token_length=3900)
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(601)

    visitor.visit(f"/x?{'y' * 2000}")

    assert sum(len(name) + len(value) + 3 for (name, _), value in visitor.jar.cookies.items()) <= 6144


def test_five_logins_on_loopback_too(open_site: Callable[..., Visited]) -> None:
    """The cap of five holds for cookies without ``__Host-`` as well, and a logout clears them."""
    site = open_site(_origin="http://localhost:8000")
    visitor = site.visitor()
    for number in range(12):
        site.clock.advance(1)
        visitor.visit(f"/{number}")

    assert len(visitor.jar.names()) == 5
    visitor.send("POST", "/oauth2/logout", {})
    assert visitor.jar.names() == set()


def test_planted_logins_cost_few_headers(visitor: Visitor) -> None:
    """However many login cookies are planted, an answer removes a few at a time."""
    planted = "; ".join(f"__Host-fotoweb-login-{number}=x" for number in range(2500))

    assert len(visitor.visit("/", Cookie=planted).all("Set-Cookie")) <= 21
