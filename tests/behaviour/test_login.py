"""From an intercepted navigation to a session."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest

from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import CALLBACK, FOTOWEB, Visited, Visitor


def test_navigation_leads_to_fotoweb(site: Visited, visitor: Visitor) -> None:
    """An unauthenticated navigation is sent to FotoWeb's authorize endpoint; the app is not called."""
    reply = visitor.visit("/a?b=1")

    assert reply.status == 302
    assert reply.location.startswith(f"{FOTOWEB}/fotoweb/oauth2/authorize?")
    assert site.app.calls == 0


def test_authorize_parameters(site: Visited, visitor: Visitor) -> None:
    """The authorize URL carries exactly the contract's parameters, each once (R-AC14)."""
    query = parse_qsl(urlsplit(visitor.visit("/a?evil=1&scope=x").location).query)

    assert [name for name, _ in query] == [
        "response_type",
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
    ]
    told = dict(query)
    assert told["response_type"] == "code"
    assert told["client_id"] == site.settings.client_id
    assert told["redirect_uri"] == CALLBACK
    assert told["code_challenge_method"] == "S256"
    assert len(told["state"]) >= 22


def test_login_arrives_where_the_user_was_going(site: Visited, visitor: Visitor) -> None:
    """After login and consent the browser comes to the very address it asked for, with the token in place (R-AC15)."""
    target = "/p%C3%A4th%20x;v=1/%E2%82%AC?q=%ff&a=b%26c&d=1+2"

    reply = visitor.log_in(target)

    assert reply.location == target
    seen = visitor.get("/").seen
    assert seen["authorization"] == f"Bearer {seen['token']}"
    assert seen["user"] == "alice"
    assert seen["remote_user"] == "alice"


def test_login_cookie_goes_with_the_login(visitor: Visitor) -> None:
    """After the login the session is left in the browser, and for two minutes a count of logins."""
    visitor.log_in()

    assert visitor.jar.names() == {"__Host-fotoweb", "__Host-fotoweb-attempts"}


def test_states_and_verifiers_differ(visitor: Visitor) -> None:
    """Each login has a state and a challenge of its own."""
    queries = [parse_qs(urlsplit(visitor.visit("/").location).query) for _ in range(50)]

    assert len({query["state"][0] for query in queries}) == 50
    assert len({query["code_challenge"][0] for query in queries}) == 50


def test_two_tabs_both_arrive(site: Visited, visitor: Visitor) -> None:
    """Two tabs that log in at once each come to their own address."""
    first, second = visitor.visit("/one").location, visitor.visit("/two").location

    assert visitor.visit(visitor.approve(first)).location == "/one"
    assert visitor.visit(visitor.approve(second)).location == "/two"
    assert visitor.get("/").seen["user"] == "alice"


def test_five_tabs_finish_in_reverse_order(visitor: Visitor) -> None:
    """Five logins in progress are kept, whichever finishes first."""
    pending = [visitor.visit(f"/{number}").location for number in range(5)]

    arrived = [visitor.visit(visitor.approve(location)).location for location in reversed(pending)]

    assert arrived == ["/4", "/3", "/2", "/1", "/0"]


def test_a_sixth_login_drops_the_oldest(site: Visited, visitor: Visitor) -> None:
    """Never more than five login cookies are in the browser: the oldest goes (R-AC8)."""
    oldest = visitor.visit("/0").location
    for number in range(1, 8):
        site.clock.advance(1)
        visitor.visit(f"/{number}")

    assert len(visitor.jar.names()) == 5
    assert visitor.visit(visitor.approve(oldest)).status == 400


def test_long_targets_stay_within_the_cookie_budget(visitor: Visitor) -> None:
    """Many logins with long addresses never make more than 6 KiB of cookies."""
    for number in range(6):
        visitor.visit(f"/{number}?{'x' * 1900}")

    assert sum(len(name) + len(value) for (name, _), value in visitor.jar.cookies.items()) <= 6144


def test_overlong_target_leads_to_the_front_page(visitor: Visitor) -> None:
    """An address too long for the login cookie is given up, not the login."""
    assert visitor.log_in(f"/x?{'y' * 100_000}").location == "/"


def test_login_page_takes_next(visitor: Visitor) -> None:
    """``PREFIX/login?next=/path`` logs in and goes there."""
    location = visitor.visit("/oauth2/login?next=%2Falbum%3Fid%3D7").location

    assert visitor.visit(visitor.approve(location)).location == "/album?id=7"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/%09/evil.test",
        "/\t/evil.test",
        "/\r\n/evil.test",
        "\x00//evil.test",
        " //evil.test",
        "http:evil.test",
        "http:///evil.test",
        "https://app.test@evil.test",
        "javascript:alert(1)",
        "/..//evil.test",
        "/.//evil.test",
        "/a/..//evil.test",
        "https://[::1",
        "〱evil.test",
        "/oauth2/logout",
        "/oauth2/login",
        "",
    ],
)
def test_hostile_next_leads_to_the_front_page(visitor: Visitor, target: str) -> None:
    """What is no harmless path of this origin leads to the front page."""
    location = visitor.visit(f"/oauth2/login?next={quote(target)}").location

    assert visitor.visit(visitor.approve(location)).location == ("/%09/evil.test" if "%09" in target else "/")


def test_login_cookie_attributes(visitor: Visitor) -> None:
    """The login cookie is ``__Host-``, Secure, HttpOnly, Lax and lasts ten minutes."""
    (cookie,) = visitor.visit("/").all("Set-Cookie")

    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-fotoweb-login-")
    assert attributes == ["Max-Age=600", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"]


def test_without_pkce(open_site: Callable[..., Visited]) -> None:
    """``FOTOWEB_PKCE=false`` leaves the challenge and the verifier out, and the login works."""
    site = open_site(pkce=False)
    visitor = site.visitor()

    assert "code_challenge" not in visitor.visit("/").location
    visitor.log_in()
    assert visitor.get("/").seen["user"] == "alice"


def test_without_redirect_uri(open_site: Callable[..., Visited]) -> None:
    """``FOTOWEB_SEND_REDIRECT_URI=false`` leaves it out of both requests; the strict simulator takes that."""
    site = open_site(send_redirect_uri=False)
    visitor = site.visitor()

    assert "redirect_uri" not in visitor.visit("/").location
    visitor.log_in()
    assert visitor.get("/").seen["user"] == "alice"


def test_derived_redirect_uri(open_site: Callable[..., Visited]) -> None:
    """Without ``FOTOWEB_REDIRECT_URI`` it is made from the request."""
    site = open_site(redirect_uri=None)
    visitor = site.visitor()

    query = dict(parse_qsl(urlsplit(visitor.visit("/").location).query))

    assert query["redirect_uri"] == CALLBACK
    visitor.log_in()


def test_garbage_host_is_refused(open_site: Callable[..., Visited]) -> None:
    """A Host header that is no host never enters a redirect URI."""
    site = open_site(redirect_uri=None, cookie_secure=True)

    reply = site.visitor().visit("/", Host="evil.test/path?x")

    assert reply.status == 400
    assert reply.all("Set-Cookie") == []


def test_plain_http_on_loopback(open_site: Callable[..., Visited]) -> None:
    """On http://localhost cookies carry no ``__Host-`` and no Secure; all are seen by every request, to be counted."""
    site = open_site(_origin="http://localhost:8000")
    visitor = site.visitor()

    reply = visitor.visit("/")
    (cookie,) = reply.all("Set-Cookie")

    assert cookie.startswith("fotoweb-login-")
    assert "Path=/;" in cookie
    assert "Secure" not in cookie
    visitor.visit(visitor.approve(reply.location))
    assert visitor.get("/").seen["user"] == "alice"
    assert visitor.jar.names() == {"fotoweb", "fotoweb-attempts"}


def test_verifier_is_sent(site: Visited, visitor: Visitor) -> None:
    """The challenge is a SHA-256, and the token request's verifier fits it, as the simulator checks."""
    location = visitor.visit("/").location
    challenge = dict(parse_qsl(urlsplit(location).query))["code_challenge"]

    assert len(base64.urlsafe_b64decode(challenge + "=")) == hashlib.sha256().digest_size
    assert visitor.visit(visitor.approve(location)).status == 302


def test_user_unknown_is_no_failure(site: Visited, visitor: Visitor) -> None:
    """A failing ``GET /fotoweb/me`` fails no login."""
    site.fake.fault("me", Fault.server_error())

    visitor.log_in()

    seen = visitor.get("/").seen
    assert seen["user"] is None
    assert seen["token"]


def test_fetch_user_off(open_site: Callable[..., Visited]) -> None:
    """``FOTOWEB_FETCH_USER=false`` asks nothing."""
    site = open_site(fetch_user=False)
    visitor = site.visitor()
    visitor.log_in()

    assert visitor.get("/").seen["user"] is None
    assert not [request for request in site.fake.requests if request.path == "/fotoweb/me"]
