"""A simulated FotoWeb for the integrations' tests, all in process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fotoweb_middleware import Settings
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb, Fault

ORIGIN = "http://localhost:8000"
SOCKETS = "ws://localhost:8000"
FLASK_ORIGIN = "http://localhost"
"""Where the test clients of Flask and Quart have the app."""
LITESTAR_ORIGIN = "https://testserver.local"
"""Litestar's test client wants a dot in the host."""

TOKEN_SECONDS = 60
RECHECK_SECONDS = 0.01
"""How soon an open WebSocket notices that its session was ended."""


@dataclass(frozen=True, slots=True)
class Site:
    """A FotoWeb, and the middleware's arguments that lead to it.

    Attributes:
        fake: The simulator; its one application is registered with all three origins.
        clock: Its clock, and the middleware's.
    """

    fake: FakeFotoWeb
    clock: FakeClock

    def options(self, **changes: Any) -> dict[str, Any]:
        """Return the middleware's arguments; ``changes`` are settings."""
        settings = {
            "url": "https://fotoweb.test",
            "client_id": self.fake.client.client_id,
            "client_secret": self.fake.client.client_secret,
            "secret_key": "ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq",
            "cache": "memory://",
            "cache_recheck": RECHECK_SECONDS,
            "public_paths": ("/open", "/open/*"),
            **changes,
        }
        return {
            "settings": Settings(**settings),
            "transport": self.fake.transport(),
            "clock": self.clock,
            "monotonic": self.clock,
        }

    def sign_in(self, client: Any, user: str = "alice") -> None:
        """Log in with a framework's test client, as a browser would."""
        to_fotoweb = client.get("/oauth2/login", headers={"Accept": "text/html"}, follow_redirects=False)
        back = client.get(self.fake.approve(to_fotoweb.headers["location"], user), follow_redirects=False)
        assert (back.status_code, back.headers["location"]) == (302, "/")

    def end_session(self) -> None:
        """Let the token expire, and FotoWeb refuse a new one."""
        self.clock.advance(TOKEN_SECONDS + 1)
        self.fake.fault("token", Fault.invalid_grant())

    def fail(self) -> None:
        """Let the token expire while FotoWeb is out of reach."""
        self.clock.advance(TOKEN_SECONDS + 1)
        self.fake.fault("token", Fault.bad_gateway())


class DuringRequest:
    """Hands a function to an ASGI app, which calls ``scope["test.happens"]`` during a request.

    Args:
        wrapped: The app.
        happens: The function.
    """

    def __init__(self, wrapped: Any, happens: Any = None) -> None:
        self._wrapped = wrapped
        self.happens = happens

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        await self._wrapped({**scope, "test.happens": self.happens}, receive, send)


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock of the simulator and the middleware, which stands still."""
    return FakeClock()


@pytest.fixture
def fotoweb(clock: FakeClock) -> FakeFotoWeb:
    """Return a simulator whose tokens last a minute."""
    addresses = tuple(f"{origin}/oauth2/callback" for origin in (ORIGIN, FLASK_ORIGIN, LITESTAR_ORIGIN))
    fake = FakeFotoWeb(clients=[Client(redirect_uris=addresses)], clock=clock)
    fake.switch(access_token_lifetime_seconds=TOKEN_SECONDS)
    return fake


@pytest.fixture
def site(fotoweb: FakeFotoWeb, clock: FakeClock) -> Site:
    """Return the simulator with what leads to it."""
    return Site(fotoweb, clock)


@pytest.fixture
def settings(site: Site) -> Settings:
    """Return settings with which anonymous requests reach the app."""
    settings: Settings = site.options(login="optional", refresh_leeway=0)["settings"]
    return settings
