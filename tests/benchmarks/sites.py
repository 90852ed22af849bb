"""A wrapped app and a FotoWeb that is a function, with people who log in through the front door."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from tests.benchmarks.requests import asgi_app, environ_of, receive, scope_of, wsgi_app

__all__ = ["ACCESS_CHARACTERS", "BESIDE", "REFRESH_CHARACTERS", "SETTINGS", "FotoWeb", "Site"]

R = TypeVar("R")

ACCESS_CHARACTERS, REFRESH_CHARACTERS = 800, 200
"""Their session cookie has 1.7 kB."""

BESIDE = "theme=dark; csrftoken=0123456789abcdef0123456789abcdef; {ours}; _ga=GA1.2.1234567890.1234567890"
"""Three cookies of the app around ours."""

SETTINGS: dict[str, Any] = {
    "url": "https://fotoweb.test",
    "client_id": "bench",
    "client_secret": "a-secret-of-the-benchmarks",
    "secret_key": "ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq",
    "redirect_uri": "https://app.test/oauth2/callback",
    "public_paths": ("/static/*",),
    "fetch_user": False,
}


class FotoWeb(httpx.BaseTransport):
    """Gives tokens to everybody.

    Attributes:
        token_seconds: How long the tokens live that it gives from now on.
        pause: Called before each refresh is answered.
        refreshes: How often each refresh token came.
    """

    def __init__(self) -> None:
        self.token_seconds: float = 3600
        self.pause: Callable[[], object] = lambda: None
        self.refreshes: dict[str, int] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a token request."""
        form = parse_qs(request.read().decode())
        if "refresh_token" in form:
            with self._lock:
                token = form["refresh_token"][0]
                self.refreshes[token] = self.refreshes.get(token, 0) + 1
            self.pause()
        with self._lock:
            number = next(self._numbers)
        tokens = {
            "access_token": f"{number}-".ljust(ACCESS_CHARACTERS, "a"),
            "refresh_token": f"{number}-".ljust(REFRESH_CHARACTERS, "r"),
            "token_type": "bearer",
            "expires_in": self.token_seconds,
        }
        body = httpx.ByteStream(json.dumps(tokens).encode())
        return httpx.Response(200, headers={"Content-Type": "application/json"}, stream=body)


class Site:
    """One middleware around an app that says "ok".

    Args:
        kind: "asgi" or "wsgi".
        fotoweb: Whom it asks.
        clock: Epoch seconds; the monotonic clock goes with it where it is given.
        app: Another app.
        changes: Settings.
    """

    def __init__(
        self,
        kind: str,
        fotoweb: FotoWeb,
        *,
        clock: Callable[[], float] | None = None,
        app: Any = None,
        **changes: Any,
    ) -> None:
        given: dict[str, Any] = {"settings": Settings(**{**SETTINGS, **changes}), "transport": fotoweb}
        given |= {} if clock is None else {"clock": clock, "monotonic": clock}
        self.is_asgi = kind == "asgi"
        self._runner = asyncio.Runner() if self.is_asgi else None
        self.app: Any = app or (asgi_app if self.is_asgi else wsgi_app)
        middleware: Any = FotoWebASGIMiddleware if self.is_asgi else FotoWebWSGIMiddleware
        self.middleware: Any = middleware(self.app, **given)

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine in the site's event loop."""
        assert self._runner is not None
        return self._runner.run(work)

    def send(self, cookie: str | None, path: str = "/page") -> tuple[int, list[tuple[str, str]]]:
        """Send one request; return the answer's status and headers."""
        if self.is_asgi:
            return self.run(ask(self.middleware, cookie, path))
        told: list[Any] = []
        target, _, query = path.partition("?")
        environ = environ_of(cookie, target) | {"QUERY_STRING": query, "RAW_URI": path}
        body = self.middleware(environ, lambda status, headers, _error=None: told.extend((status, headers)))
        b"".join(body)
        if hasattr(body, "close"):
            body.close()
        return int(told[0][:3]), told[1]

    def log_in(self) -> dict[str, str]:
        """Log somebody in; return their cookies, those of the login included."""
        cookies: dict[str, str] = {}
        status, headers = self.send(None)
        assert status == 302, status
        keep(cookies, headers)
        location = next(value for name, value in headers if name.lower() == "location")
        state = parse_qs(urlsplit(location).query)["state"][0]
        status, headers = self.send(header_of(cookies), f"/oauth2/callback?code=c&state={state}")
        assert status == 302, status
        keep(cookies, headers)
        return cookies


async def ask(app: Any, cookie: str | None, path: str = "/page") -> tuple[int, list[tuple[str, str]]]:
    """Send one request to an ASGI app; return the answer's status and headers."""
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    target, _, query = path.partition("?")
    scope = scope_of(cookie, target) | {"query_string": query.encode(), "raw_path": target.encode()}
    await app(scope, receive, send)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in told[0]["headers"]]
    return told[0]["status"], headers


def keep(cookies: dict[str, str], headers: list[tuple[str, str]]) -> None:
    """Keep what an answer sets."""
    for name, value in headers:
        if name.lower() == "set-cookie":
            pair, _, attributes = value.partition(";")
            cookie, _, content = pair.partition("=")
            cookies.pop(cookie, None)
            if "Max-Age=0" not in attributes:
                cookies[cookie] = content


def header_of(cookies: dict[str, str]) -> str:
    """Return the Cookie header of a browser that has these."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def session_only(cookies: dict[str, str]) -> str:
    """Return the session's cookie alone, as two minutes after the login."""
    return header_of({name: value for name, value in cookies.items() if name == "__Host-fotoweb"})


class TurnedClock:
    """The real time, and so much more."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return time.time() + self.ahead_seconds
