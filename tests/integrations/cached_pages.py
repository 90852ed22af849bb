"""Two people and somebody who has not signed in visit a page of a caching app by turns, all in this process."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import ExitStack, closing
from typing import Any, Literal

import httpx

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Session, Settings
from fotoweb_middleware.testing import FakeClock, FakeFotoWeb

__all__ = ["COOKIES", "Interface", "Visits", "is_cached", "page_of", "strangers_pages", "visit"]

ORIGIN = "http://localhost:8000"
NOBODY = "nobody"
SIGNED_IN = ("alice", "bob")
TURNS = (*SIGNED_IN * 3, NOBODY, NOBODY, *SIGNED_IN)
"""The first round is without a cookie of the app's; the third repeats the second, and may come from the cache."""
COOKIES = ("", "lang=de")
"""What everybody's browser has from the app before; empty: nothing."""

Interface = Literal["asgi", "wsgi"]
Visits = list[tuple[str, str]]
"""Who came, and what they read."""

NUMBERS = itertools.count()


def page_of(session: Session | None) -> str:
    """Return somebody's private page, which is another one each time that it is made."""
    name = NOBODY if session is None or session.user is None else session.user.user_name
    return f"{name} {next(NUMBERS)}"


class Person:
    """Somebody with a browser, which follows no redirect."""

    def __init__(self, interface: Interface, app: Any, runner: asyncio.Runner, cookie: str) -> None:
        self._runner = runner
        self._client: httpx.Client | httpx.AsyncClient
        name, _, value = cookie.partition("=")
        cookies = {name: value} if cookie else {}
        if interface == "asgi":
            self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN, cookies=cookies)
        else:
            self._client = httpx.Client(transport=httpx.WSGITransport(app), base_url=ORIGIN, cookies=cookies)

    def go(self, url: str) -> httpx.Response:
        """Go to a page, as by a link of the same site."""
        sent = self._client.get(url, headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
        return sent if isinstance(sent, httpx.Response) else self._runner.run(sent)

    def close(self) -> None:
        """Close the browser."""
        if isinstance(self._client, httpx.AsyncClient):
            self._runner.run(self._client.aclose())
        else:
            self._client.close()


def visit(interface: Interface, app: Any, path: str, *, cookie: str, inject_header: bool) -> Visits:
    """Let everybody visit a page of an app behind the middleware, by turns, at one moment: all tokens are as old."""
    clock = FakeClock()
    fotoweb = FakeFotoWeb(clock=clock)
    settings = Settings(
        url="https://fotoweb.test",
        client_id=fotoweb.client.client_id,
        client_secret=fotoweb.client.client_secret,
        secret_key="ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq",
        cache="memory://",
        inject_header=inject_header,
        login="optional",
    )
    middleware = FotoWebASGIMiddleware if interface == "asgi" else FotoWebWSGIMiddleware
    wrapped = middleware(app, settings=settings, transport=fotoweb.transport(), clock=clock, monotonic=clock)
    visits: Visits = []
    with asyncio.Runner() as runner, ExitStack() as browsers:
        people = {
            name: browsers.enter_context(closing(Person(interface, wrapped, runner, cookie)))
            for name in (*SIGNED_IN, NOBODY)
        }
        for name in SIGNED_IN:
            to_fotoweb = people[name].go("/oauth2/login?next=/").headers["location"]
            assert people[name].go(fotoweb.approve(to_fotoweb, name)).status_code == 302
        for name in TURNS:
            answer = people[name].go(path)
            assert answer.status_code == 200, answer.text
            visits.append((name, answer.text))
    return visits


def strangers_pages(visits: Visits) -> Visits:
    """Return the visits on which somebody read another's page."""
    return [(name, text) for name, text in visits if text.split()[0] != name]


def is_cached(visits: Visits) -> bool:
    """Return whether the third round came from the cache: only then do the visits say something of it."""
    return visits[4:6] == visits[2:4]
