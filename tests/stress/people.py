"""People whose browsers open a new connection for each request, so that any worker may get it, and who remember."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

from tests.servers.cookie_jar import Use
from tests.servers.visitor import Visitor

__all__ = ["Person", "at_once"]

R = TypeVar("R")
TOGETHER_SECONDS = 15.0
SESSION_COOKIE = "fotoweb="


class Person(Visitor):
    """One person, who remembers what was seen.

    Args:
        name: Whom FotoWeb knows them as.

    Attributes:
        name: As above.
        logins: How many logins ended with a session.
        tokens: Every bearer token that reached the app with this person's requests.
        pids: The worker processes that served those requests.
        expires_at: When the newest of those tokens expires, as the app tells it, in epoch seconds.
        cookies_issued: Every Cookie header with a session that this person ever had reason to send.
    """

    def __init__(self, name: str = "alice") -> None:
        # The browser closes them. Asked to with `Connection: close`, gunicorn 27 keeps a whole worker waiting, up to
        # two seconds for each, until the other side has closed it too.
        super().__init__(keeps_connections=False)
        self.name = name
        self.logins = 0
        self.tokens: list[str] = []
        self.pids: list[int] = []
        self.expires_at = 0.0
        self.cookies_issued: list[str] = []
        self._noting = threading.Lock()

    def __repr__(self) -> str:
        """Show the name alone."""
        return f"Person({self.name!r})"

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        use: Use,
        data: Mapping[str, str] | None = None,
        content: Any = None,
    ) -> httpx.Response:
        """Send one request on a connection of its own, and remember what came back."""
        response = super().send(method, url, headers, use=use, data=data, content=content)
        with self._noting:
            if "set-cookie" in response.headers and SESSION_COOKIE in (cookie := self.cookie_header(url)):
                self.cookies_issued.append(cookie)
            if "/oauth2/callback?" in url and response.status_code == 302:
                self.logins += 1
            if response.status_code == 200 and response.headers.get("content-type") == "application/json":
                seen = response.json()
                self.tokens += [seen["token"]] if seen.get("token") else []
                self.pids += [seen["pid"]] if "pid" in seen else []
                self.expires_at = max(self.expires_at, seen.get("expires_at") or 0.0)
        return response

    def replay(self, url: str, cookie: str) -> httpx.Response:
        """Send one request with a Cookie header of old, as somebody does who has copied it."""
        headers = {"Accept": "application/json", "Cookie": cookie}
        return httpx.get(url.replace("localhost", "127.0.0.1"), headers={**headers, "Host": host_of(url)}, timeout=15)


def host_of(url: str) -> str:
    """Return the Host header for a URL."""
    return url.split("/")[2]


def at_once(jobs: Sequence[Callable[[], R]]) -> list[R]:
    """Do all jobs at the same moment, each in a thread of its own; return what they return."""
    together = threading.Barrier(len(jobs))

    def one(job: Callable[[], R]) -> R:
        together.wait(TOGETHER_SECONDS)
        return job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(one, jobs))
