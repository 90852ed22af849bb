"""A trial for ``test_imports``, in a fresh process: what is imported once an app is prepared."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.start_up.building import built
from tests.start_up.fotoweb import TOKEN_SECONDS, served_fotoweb

__all__ = ["tell_imports_of_journeys"]

ORIGIN = "http://localhost:8000"
HTML = "text/html"


class Clock:
    """A wall clock that can be turned."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return time.time() + self.ahead_seconds


@dataclass
class Browser:
    """Somebody who keeps cookies.

    Attributes:
        send: Sends a request with these headers; returns status and headers.
        cookies: Name to value.
    """

    send: Callable[[str, str, dict[str, str]], tuple[int, list[tuple[str, str]]]]
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, target: str, method: str = "GET", status: int = 200) -> str:
        """Ask for a page, check the status, and return where it leads to."""
        headers = {"host": "localhost:8000", "accept": HTML, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        headers["sec-fetch-site"] = "same-origin"
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        came, told = self.send(method, target, headers)
        for name, value in told:
            if name.lower() == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    self.cookies[key] = morsel.value
        if came != status:
            raise AssertionError((method, target, came))
        return {name.lower(): value for name, value in told}.get("location", "")


@contextmanager
def opened_asgi(app: Any, *, has_lifespan: bool) -> Iterator[Browser]:
    """Start an ASGI app up as a server does, and give somebody who visits it; servers without lifespan just ask."""
    with asyncio.Runner() as runner:

        async def nothing() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        def call(scope: dict[str, Any]) -> list[dict[str, Any]]:
            sent: list[dict[str, Any]] = []

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)

            runner.run(app(scope, nothing, send))
            return sent

        def request(method: str, target: str, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]]]:
            parts = urlsplit(target)
            scope: dict[str, Any] = {
                "type": "http",
                "method": method,
                "scheme": "http",
                "root_path": "",
                "path": parts.path,
            }
            scope |= {"raw_path": parts.path.encode(), "query_string": parts.query.encode()}
            scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
            start = call(scope)[0]
            return start["status"], [(name.decode(), value.decode()) for name, value in start["headers"]]

        if has_lifespan:
            call({"type": "lifespan"})
        else:
            Browser(request).get("/", status=302)
        yield Browser(request)


@contextmanager
def opened_wsgi(app: Any) -> Iterator[Browser]:
    """Send a WSGI app its first request, after which it is prepared, and give somebody who visits it."""

    def request(method: str, target: str, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]]]:
        parts = urlsplit(target)
        environ = {"REQUEST_METHOD": method, "wsgi.url_scheme": "http", "SCRIPT_NAME": "", "PATH_INFO": parts.path}
        environ |= {"QUERY_STRING": parts.query, "RAW_URI": target}
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        told: list[Any] = []
        body = app(environ, lambda status, headers: told.extend((int(status[:3]), headers)))
        list(body)
        if hasattr(body, "close"):
            body.close()
        return told[0], told[1]

    Browser(request).get("/", status=302)
    yield Browser(request)


def tell_imports_of_journeys(kind: str, cache: str) -> None:
    """Print which modules all journeys together import, once an app is prepared.

    Args:
        kind: "asgi", "wsgi", or "asgi without lifespan".
        cache: ``FOTOWEB_CACHE``.
    """
    clock = Clock()
    with served_fotoweb() as url:
        app = built(kind[:4], cache, url, clock=clock)
        opened = opened_wsgi(app) if kind == "wsgi" else opened_asgi(app, has_lifespan=kind == "asgi")
        with opened as browser:
            before = set(sys.modules)
            make_journeys(browser, clock)
            print(json.dumps(sorted(set(sys.modules) - before)))  # noqa: T201 (the test reads it)


def make_journeys(browser: Browser, clock: Clock) -> None:
    """Log in, let the token be refreshed, ask for pages of ours, log out, and come back to errors."""
    authorize = browser.get("/pictures", status=302)
    state = parse_qs(urlsplit(authorize).query)["state"][0]
    browser.get(f"/oauth2/callback?code=a-code&state={state}", status=302)
    browser.get("/pictures")
    clock.ahead_seconds += TOKEN_SECONDS + 1
    browser.get("/pictures")
    browser.get("/oauth2/session")
    browser.get("/oauth2/nothing", status=404)
    browser.get("/oauth2/logout", "POST")
    browser.get("/oauth2/callback?code=a-code&state=another", status=400)
    browser.get("/oauth2/callback?error=access_denied&state=another", status=400)
