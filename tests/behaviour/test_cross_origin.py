"""Requests that other origins send with the session's cookie, and CORS preflights."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import FETCH, NAVIGATION, Visited, Visitor

FRIEND = "https://friend.test"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.test"},
        {"Origin": "https://evil.test"},
        {"Origin": "http://app.test"},
        {"Origin": "https://app.test.evil.test"},
        {"Origin": "null"},
    ],
)
def test_unsafe_methods_from_elsewhere(site: Visited, member: Visitor, method: str, headers: dict[str, str]) -> None:
    """An unsafe request that another origin sends is refused with 403; the app is not called."""
    reply = member.send(method, "/", headers)

    assert reply.status == 403
    assert site.app.calls == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://app.test"},
        {"Origin": "HTTPS://APP.TEST"},
        {},
    ],
)
def test_unsafe_methods_from_here(member: Visitor, headers: dict[str, str]) -> None:
    """From our own origin, and from what is no browser, unsafe requests pass."""
    assert member.send("POST", "/", headers).seen["user"] == "alice"


def test_trusted_origin(open_site: Callable[..., Visited]) -> None:
    """An Origin in ``FOTOWEB_TRUSTED_ORIGINS`` is admitted whatever Sec-Fetch-Site says."""
    site = open_site(trusted_origins=(FRIEND,))
    visitor = site.visitor()
    visitor.log_in()

    assert visitor.send("POST", "/", {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}).seen["user"] == "alice"
    assert visitor.send("POST", "/", {"Origin": f"{FRIEND}.evil", "Sec-Fetch-Site": "cross-site"}).status == 403


def test_without_a_session_it_is_401(visitor: Visitor) -> None:
    """Without a session another origin's request is unauthenticated, as any."""
    assert visitor.send("POST", "/", {"Sec-Fetch-Site": "cross-site"}).status == 401


def test_links_from_elsewhere(member: Visitor) -> None:
    """A cross-site link is a safe request: it reaches the app."""
    assert member.visit("/", **{"Sec-Fetch-Site": "cross-site"}).status == 200


def test_derived_origin_behind_a_tls_proxy(open_site: Callable[..., Visited]) -> None:
    """Where the origin is derived, hosts are compared: the proxy's https is our http."""
    site = open_site(redirect_uri=None, cookie_secure=True)
    visitor = site.visitor()
    visitor.log_in()

    assert visitor.send("POST", "/", {"Origin": "http://app.test"}).status == 200
    assert visitor.send("POST", "/", {"Origin": "https://evil.test"}).status == 403


PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"}


def test_preflight_from_a_trusted_origin(open_site: Callable[..., Visited]) -> None:
    """It reaches the app, which may answer it, but never with a session."""
    site = open_site(trusted_origins=(FRIEND,))
    visitor = site.visitor()
    visitor.log_in()

    seen = visitor.send("OPTIONS", "/", {**PREFLIGHT, "Origin": FRIEND}).seen

    assert not seen["has_key"]
    assert seen["authorization"] is None


@pytest.mark.parametrize("logged_in", [False, True])
def test_preflight_from_elsewhere(site: Visited, visitor: Visitor, logged_in: bool) -> None:
    """It gets 401, no redirect, no cookie, with or without a session."""
    if logged_in:
        visitor.log_in()

    reply = visitor.send("OPTIONS", "/", {**NAVIGATION, **PREFLIGHT, "Origin": "https://evil.test"})

    assert reply.status == 401
    assert reply.all("Set-Cookie") == []
    assert site.app.calls == 0


def test_plain_options(member: Visitor) -> None:
    """An OPTIONS that is no preflight is like any other safe method."""
    assert member.send("OPTIONS", "/", FETCH).seen["user"] == "alice"
