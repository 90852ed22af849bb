"""A browser as far as these tests need one: cookies, the headers of a navigation, one page at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx
from litestar import Litestar

ORIGIN = "http://localhost:8000"

Interface = Literal["asgi", "wsgi"]

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class Browser:
    """Asks an app over httpx, and does not follow redirects.

    Args:
        interface: Which kind of app.
        app: The wrapped app.
        runner: One event loop for all requests, as under a real server.
    """

    def __init__(self, interface: Interface, app: Any, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._client: httpx.Client | httpx.AsyncClient
        if interface == "asgi":
            self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)
        else:
            self._client = httpx.Client(transport=httpx.WSGITransport(app), base_url=ORIGIN)

    def go(self, url: str) -> httpx.Response:
        """Go to a page, as if its address had been typed."""
        return self._send("GET", url, {"Sec-Fetch-Site": "none"})

    def submit(self, path: str, site: str = "same-origin") -> httpx.Response:
        """Send an empty form of our own origin, or of another site ("cross-site")."""
        origin = ORIGIN if site == "same-origin" else "https://elsewhere.example"
        return self._send("POST", path, {"Sec-Fetch-Site": site, "Origin": origin})

    def cookie_names(self) -> list[str]:
        """Return the names of all cookies."""
        return sorted(cookie.name for cookie in self._client.cookies.jar)

    def close(self) -> None:
        """Close the client."""
        if isinstance(self._client, httpx.AsyncClient):
            self._runner.run(self._client.aclose())
        else:
            self._client.close()

    def _send(self, method: str, url: str, headers: dict[str, str]) -> httpx.Response:
        sent = self._client.request(method, url, headers=NAVIGATION | headers)
        return sent if isinstance(sent, httpx.Response) else self._runner.run(sent)


async def start(app: Litestar) -> None:
    """Start an app, as a server does: only then its plugin adds the middleware."""
    async with app.lifespan():
        pass


@contextmanager
def browse(interface: Interface, app: Any) -> Iterator[Browser]:
    """Open a browser on an app, with an event loop for as long as it is open."""
    with asyncio.Runner() as runner:
        if isinstance(app, Litestar):
            runner.run(start(app))
        browser = Browser(interface, app, runner)
        try:
            yield browser
        finally:
            browser.close()
