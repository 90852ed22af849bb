"""What becomes of somebody who goes to an app with a broken set-up: what they see, and what the log says first.

``python -m tests.cli.visits`` does it with the settings of the environment, where a process of its own is needed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from fotoweb_middleware import FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.setup_warnings import LONG_LOGIN_SECONDS, MANY_LOGINS
from fotoweb_middleware.testing import FakeFotoWeb
from fotoweb_middleware.testing.fake_fotoweb.browser import walk_login
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse
from tests.behaviour.kit import InlineExecutor

NAVIGATION = {
    "Accept": "text/html",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
CODE = re.compile(r"<code>fotoweb-middleware: (\w+)</code>")

Approve = Callable[[str], str]
"""Signs in at FotoWeb, from where it sends the browser to; an AssertionError says that it shows an error page."""


@dataclass(frozen=True)
class Visit:
    """What became of it.

    Attributes:
        page: What the person sees: the code at the foot of our page, or words in brackets.
        log: The first line of the log from WARNING on; "" where there is none.
    """

    page: str
    log: str


class Kept(logging.Handler):
    """Keeps the lines of the log from WARNING on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(f"{record.levelname} {record.getMessage()}")


@contextlib.contextmanager
def kept_lines() -> Iterator[list[str]]:
    """Listen to the middleware's log."""
    logger, handler = logging.getLogger("fotoweb_middleware"), Kept()
    logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)


class Site:
    """A wrapped app, whose settings are those of the environment, and its clock.

    Args:
        origin: Where people open it; None: that of the redirect URI.
        scheme: What the app sees of it, where a proxy in front ends TLS without telling.
        mount: What a proxy in front takes away of each path without telling.
    """

    def __init__(self, origin: str | None = None, *, scheme: str | None = None, mount: str = "") -> None:
        self.seconds = 0.0
        self.middleware = FotoWebWSGIMiddleware(
            answer,
            clock=lambda: time.time() + self.seconds,
            monotonic=lambda: self.seconds,
            executor=InlineExecutor(),  # A call's own words are waited for, however short the time-out.
        )
        parts = urlsplit(Settings().redirect_uri or "")
        self.origin = origin or f"{parts.scheme}://{parts.netloc}"
        self._scheme = scheme
        self._mount = mount

    def browser(self) -> httpx.Client:
        """Return somebody's browser, with an empty cookie jar."""
        return httpx.Client(
            transport=httpx.WSGITransport(self._proxied), base_url=f"{self.origin}{self._mount}", headers=NAVIGATION
        )

    def _proxied(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"].removeprefix(self._mount)
        changed = {"PATH_INFO": path, "wsgi.url_scheme": self._scheme or environ["wsgi.url_scheme"]}
        return self.middleware({**environ, **changed}, start_response)


def answer(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer as the wrapped app."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Welcome"]


def visit(go: Callable[[], str]) -> Visit:
    """Let somebody go to an app that is started for it, and return what became of it."""
    with kept_lines() as lines:
        try:
            page = go()
        except SettingsError as error:
            words = " ".join(line.strip() for line in str(error).splitlines()[1:3])
            return Visit("(the server does not start)", f"SettingsError: … {words}")
    return Visit(page, lines[0] if lines else "")


def sign_in(site: Site, approve: Approve) -> str:
    """Let somebody sign in, and return what they see; where FotoWeb sends nobody back, others try too."""
    with site.browser() as browser:
        begun = browser.get("/")
        if begun.status_code != httpx.codes.FOUND:
            return shown(begun)
        try:
            callback = approve(begun.headers["location"])
        except AssertionError:
            site.seconds += LONG_LOGIN_SECONDS
            for _ in range(MANY_LOGINS - 1):
                browser.get("/")
            return "(an error page of FotoWeb's)"
        return shown(browser.get(callback, follow_redirects=True))


def go_to_both(first: Site, second: Site, approve: Approve) -> str:
    """Sign in at one process, go to the other, and return what is seen there."""
    first.seconds = second.seconds = 120.0
    with first.browser() as browser, second.browser() as later:
        browser.get(approve(browser.get("/").headers["location"]))
        later.cookies = browser.cookies
        return shown(later.get("/"))


def shown(answer: httpx.Response) -> str:
    """Return what a person sees in an answer."""
    code = CODE.search(answer.text)
    if code is not None:
        return code[1]
    return "(the app, signed in)" if answer.status_code == httpx.codes.OK else f"(HTTP {answer.status_code})"


def approve_over_http(authorize_url: str) -> str:
    """Sign in at a simulator that another process runs."""

    def handle(request: FakeRequest) -> FakeResponse:
        url = f"{request.origin}{request.path}?{request.query}"
        answer = httpx.request(request.method, url, headers=dict(request.headers), content=request.body)
        return FakeResponse(answer.status_code, answer.content, tuple(answer.headers.multi_items()))

    return walk_login(handle, authorize_url, FakeFotoWeb().users["alice"])


if __name__ == "__main__":
    found = visit(lambda: sign_in(Site(), approve_over_http))
    sys.stdout.write(json.dumps([found.page, found.log]))
