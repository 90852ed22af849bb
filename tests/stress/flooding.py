"""A process of its own that is flooded with requests of anonymous users, and tells what that left behind.

``python -m tests.stress.flooding asgi sealed /some/folder`` prints what ``Flooded`` holds, as JSON. No server
is in the way and no coverage is measured: the whole numbers of the cases take seconds, and the memory is ours.
"""

from __future__ import annotations

import array
import asyncio
import gc
import json
import logging
import secrets
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from anyio.from_thread import BlockingPortal

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from tests.attacks.browser import NAV, SESSION
from tests.behaviour.adapters import AsgiAdapter, EchoApp, WsgiAdapter
from tests.behaviour.kit import CALLBACK, FOTOWEB, SECRET_KEY
from tests.providers.uncovered import run_uncovered

__all__ = [
    "CALLBACKS",
    "NAVIGATIONS",
    "Answers",
    "Flooded",
    "flood",
    "log_as_deployed",
    "resident_bytes",
    "run_asgi",
    "run_wsgi",
]

NAVIGATIONS = 100_000
CALLBACKS = 10_000
WARM_UP = 2_000
"""What the first requests cost is the process's own: modules, stores of regular expressions, pools of the allocator."""

MOST_SECONDS = 240
HEADERS = [("Host", "app.test"), *NAV.items()]

Request = tuple[str, str]
"""A target, and a Cookie header or nothing."""


@dataclass(frozen=True, slots=True)
class Flooded:
    """What one flood left behind.

    Attributes:
        statuses: How often each was answered.
        growth_bytes: By how much the process grew.
        slowest_ms: 99 of 100 answers took less of a processor; they wait for nothing, so how busy it is does not count.
        rows: How many rows lie in the shared store.
        app_calls: How often the app was called.
    """

    statuses: dict[str, int]
    growth_bytes: int
    slowest_ms: float
    rows: int
    app_calls: int


def flood(adapter: str, mode: str, folder: Path) -> dict[str, Flooded]:
    """Run a process that is flooded; return what each flood left behind."""
    told_of_all = run_uncovered("-m", "tests.stress.flooding", adapter, mode, str(folder), timeout_seconds=MOST_SECONDS)
    return {name: Flooded(**told) for name, told in json.loads(told_of_all).items()}


# ----------------------------------------------------------------------------------------------------- what comes


def without_cookies(count: int) -> Iterator[Request]:
    """Yield navigations of anonymous users to pages that differ."""
    for number in range(count):
        yield f"/page/{number}?q={number}", ""


def with_garbage(count: int) -> Iterator[Request]:
    """Yield navigations with a session cookie that nobody issued, each another one."""
    for number in range(count):
        yield f"/page/{number}", f"{SESSION}={secrets.token_urlsafe(60)}"


def hostile_callbacks(count: int) -> Iterator[Request]:
    """Yield callbacks with codes, errors and states that nobody issued, and with login cookies for them."""
    for number in range(count):
        state = secrets.token_urlsafe(32)
        said = f"code={number}" if number % 2 else "error=access_denied&error_description=%3Cscript%3E"
        cookie = f"{SESSION}-login-{state[:8]}={secrets.token_urlsafe(200)}"
        yield f"/oauth2/callback?{said}&state={state}", cookie


FLOODS: dict[str, tuple[Callable[[int], Iterator[Request]], int]] = {
    "no cookies": (without_cookies, NAVIGATIONS),
    "garbage": (with_garbage, NAVIGATIONS),
    "callbacks": (hostile_callbacks, CALLBACKS),
}


# ------------------------------------------------------------------------------------------------------ what it costs


def log_as_deployed() -> None:
    """Log from INFO on; the witness app, which is imported on the way here, has asked for DEBUG."""
    logging.basicConfig(level=logging.INFO, handlers=[logging.NullHandler()], force=True)


def resident_bytes() -> int:
    """Return how much memory this process has."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def count_rows(file: Path) -> int:
    """Return how many rows the store's tables hold."""
    with closing(sqlite3.connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return sum(int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in tables)  # noqa: S608 (our own names)


def settings_for(mode: str, file: Path) -> Settings:
    """Return the settings of a site whose store is a file."""
    return Settings(
        url=FOTOWEB,
        client_id="flooded",
        client_secret="a-secret-of-the-flooded-app",
        secret_key=SECRET_KEY,
        redirect_uri=CALLBACK,
        cache=f"sqlite:///{file}",
        cookie_mode=cast("Any", mode),
    )


class Answers:
    """What the requests of one flood were answered with, and how quickly."""

    def __init__(self, count: int) -> None:
        self.statuses: Counter[str] = Counter()
        self.seconds = array.array("d", bytes(8 * count))  # All of it now, so that it is no growth.
        self._next = 0

    def note(self, status: int, seconds: float) -> None:
        """Note one answer."""
        self.statuses[str(status)] += 1
        self.seconds[self._next] = seconds
        self._next += 1

    @property
    def slowest_ms(self) -> float:
        """What 99 of 100 answers stayed under."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1e3


def run_wsgi(middleware: FotoWebWSGIMiddleware, requests: Iterator[Request], answers: Answers) -> None:
    """Send requests through the WSGI middleware; an environ is copied, since making one takes as long as we do."""
    usual, status = WsgiAdapter(middleware).environ("GET", "/", HEADERS, b""), [0]

    def start_response(line: str, _headers: Any, _error: Any = None) -> Any:
        status[0] = int(line[:3])

    for target, cookie in requests:
        path, _, query = target.partition("?")
        environ = {**usual, "PATH_INFO": path, "QUERY_STRING": query, "RAW_URI": target}
        if cookie:
            environ["HTTP_COOKIE"] = cookie
        began = time.thread_time()
        b"".join(middleware(environ, start_response))
        answers.note(status[0], time.thread_time() - began)


async def run_asgi(middleware: FotoWebASGIMiddleware, requests: Iterator[Request], answers: Answers) -> None:
    """Send requests through the ASGI middleware in the same way."""
    usual = AsgiAdapter(middleware, cast("BlockingPortal", None)).scope("http", "GET", "/", HEADERS)
    headers, status = usual["headers"], [0]

    async def receive() -> Any:
        raise AssertionError("the body was asked for")

    async def send(message: Any) -> None:
        status[0] = message.get("status", status[0])

    for target, cookie in requests:
        path, _, query = target.partition("?")
        told = {"path": path, "raw_path": path.encode(), "query_string": query.encode()}
        scope = {**usual, **told, "headers": [*headers, (b"cookie", cookie.encode())] if cookie else [*headers]}
        began = time.thread_time()
        await middleware(scope, receive, send)
        answers.note(status[0], time.thread_time() - began)


def opened(adapter: str, app: EchoApp, settings: Settings) -> Callable[[Iterator[Request], Answers], None]:
    """Return what sends requests through a middleware that has just been opened."""
    if adapter == "wsgi":
        wsgi = FotoWebWSGIMiddleware(app.wsgi, settings)
        return lambda requests, answers: run_wsgi(wsgi, requests, answers)
    runner = asyncio.Runner()
    asgi = FotoWebASGIMiddleware(app.asgi, settings)
    return lambda requests, answers: runner.run(run_asgi(asgi, requests, answers))


def main(adapter: str, mode: str, folder: str) -> None:
    """Be flooded with everything, and print what that left behind."""
    log_as_deployed()
    file, app, told = Path(folder) / "sessions.db", EchoApp(), dict[str, Any]()
    send = opened(adapter, app, settings_for(mode, file))
    for name, (requests, count) in FLOODS.items():
        send(requests(WARM_UP), Answers(WARM_UP))
        answers = Answers(count)
        before = resident_bytes()
        send(requests(count), answers)
        growth = resident_bytes() - before
        left = Flooded(dict(answers.statuses), growth, answers.slowest_ms, count_rows(file), app.calls)
        told[name] = asdict(left)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
