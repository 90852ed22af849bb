"""A handshake that reaches a WSGI app, which some servers let take the connection over, is judged as a WebSocket."""

from __future__ import annotations

import anyio.from_thread
import pytest

from tests.behaviour.kit import NAVIGATION, Opening, Visited

HANDSHAKE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}


@pytest.fixture
def site(mode: str, portal: anyio.from_thread.BlockingPortal) -> Visited:
    """Open a site with the WSGI middleware."""
    return Opening("wsgi", portal, mode).open()


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
@pytest.mark.parametrize("told", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "same-site"}])
def test_handshake_of_another_origin(site: Visited, told: dict[str, str], upgrade: str) -> None:
    """From another origin it is refused, and the app is not called (R-RC5)."""
    visitor = site.visitor()
    visitor.log_in()
    calls = site.app.calls

    reply = visitor.send("GET", "/ws", {**HANDSHAKE, **told, "Upgrade": upgrade})

    assert (reply.status, site.app.calls) == (403, calls)


def test_handshake_of_our_own(site: Visited) -> None:
    """From our own origin it reaches the app with the session."""
    visitor = site.visitor()
    visitor.log_in()

    assert visitor.send("GET", "/ws", {**HANDSHAKE, "Origin": "https://app.test"}).seen["user"] == "alice"


def test_handshake_without_a_session(site: Visited) -> None:
    """Without a session it is a 401, and begins no login."""
    assert site.visitor().send("GET", "/ws", HANDSHAKE).status == 401


def test_other_upgrades(site: Visited) -> None:
    """Other upgrades are asked for by harmless clients, on any request: they change nothing."""
    visitor = site.visitor()
    visitor.log_in()

    assert visitor.send("GET", "/", {**NAVIGATION, "Upgrade": "h2c", "Sec-Fetch-Site": "cross-site"}).status == 200
