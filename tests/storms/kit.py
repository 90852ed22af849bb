"""Many requests of one session at once, in one process, while another session goes its way."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx
from anyio.from_thread import BlockingPortal

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.behaviour.kit import APP, CALLBACK, FOTOWEB, NAVIGATION, SECRET_KEY, AsgiDoor, EchoApp, Visitor, WsgiDoor

__all__ = ["Figures", "storm_asgi", "storm_wsgi"]

Moment: TypeAlias = tuple[float, float]
"""Seconds of the clock on the wall, and seconds that this process has computed."""

ANSWER_SECONDS = 0.2
"""How long the token endpoint takes."""
PAUSE_SECONDS = 0.002
"""Between two requests of the other session."""


def moment() -> Moment:
    """Return this moment."""
    return time.perf_counter(), time.process_time()


class SlowFotoWeb(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A simulated FotoWeb that takes its time once it was told to, and notes when it answered.

    Attributes:
        clock: Its clock.
        fake: The simulation.
        is_slow: Whether it takes its time.
        answered_at: When it answered.
        all_came: Threads are not answered before: on a busy machine 1,000 take longer to start than FotoWeb takes, and
            who comes after its answer is none that waited for it.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.fake = FakeFotoWeb(
            clients=[Client(redirect_uris=(CALLBACK,))], clock=self.clock, pause=lambda _seconds: None
        )
        self.fake.switch(access_token_lifetime_seconds=300, refresh_reuse_revokes=True)
        self.is_slow = False
        self.answered_at: list[Moment] = []
        self.all_came = threading.Event()
        self._inner = self.fake.transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a thread."""
        if self.is_slow:
            time.sleep(ANSWER_SECONDS)
            assert self.all_came.wait(20)
        return self._answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a task."""
        if self.is_slow:
            await asyncio.sleep(ANSWER_SECONDS)
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.read()
        self.answered_at.append(moment())
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(response.content))

    def settings(self, cache: str) -> Settings:
        """Return the settings of an app at this FotoWeb."""
        client = self.fake.client
        return Settings(
            url=FOTOWEB,
            client_id=client.client_id,
            client_secret=client.client_secret,
            secret_key=SECRET_KEY,
            redirect_uri=CALLBACK,
            cache=cache,
        )


@dataclass
class Figures:
    """What came of a storm.

    Attributes:
        statuses: How often each.
        token_calls: How often FotoWeb was asked.
        after_answer_seconds: From FotoWeb's answer to the last request's.
        computing_seconds: How much of that this process computed, all threads together.
        calm_seconds: How long as many requests of the same session took right afterwards, when none had to wait.
        calm_computing_seconds: How much the process computed for those.
        other_seconds: How long each request of the other session took meanwhile, from when it was due.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    token_calls: int = 0
    after_answer_seconds: float = 0.0
    computing_seconds: float = 0.0
    calm_seconds: float = 0.0
    calm_computing_seconds: float = 0.0
    other_seconds: list[float] = field(default_factory=list)

    @property
    def other_median_seconds(self) -> float:
        """How long half of the other session's requests took at most."""
        return sorted(self.other_seconds)[len(self.other_seconds) // 2] if self.other_seconds else float("inf")

    def note_end(self, answered_at: list[Moment], ended_at: list[Moment]) -> None:
        """Note how long everything took.

        Args:
            answered_at: When FotoWeb answered, each time.
            ended_at: When each request was answered.
        """
        (began, began_computing), (ended, ended_computing) = answered_at[0], max(ended_at)
        self.token_calls = len(answered_at)
        self.after_answer_seconds, self.computing_seconds = ended - began, ended_computing - began_computing

    def note_calm(self, began: Moment) -> None:
        """Note that the requests that need not wait are answered."""
        ended, ended_computing = moment()
        self.calm_seconds, self.calm_computing_seconds = ended - began[0], ended_computing - began[1]

    def __str__(self) -> str:
        """Return a line for the docs."""
        other = sorted(seconds * 1e3 for seconds in self.other_seconds)
        after, computing = self.after_answer_seconds * 1e3, self.computing_seconds * 1e3
        calm, calm_computing = self.calm_seconds * 1e3, self.calm_computing_seconds * 1e3
        return (
            f"{dict(self.statuses)}, token calls {self.token_calls}, last answer {after:.0f} ms after FotoWeb's, "
            f"{computing:.0f} ms of it computing; with fresh tokens {calm:.0f} ms, {calm_computing:.0f} ms of it "
            f"computing; other session: {len(other)} requests, median {self.other_median_seconds * 1e3:.2f} ms, "
            f"slowest {max(other, default=0):.1f} ms"
        )


@dataclass
class Stormed:
    """A wrapped echo app at a slow FotoWeb, with two people logged in whose tokens have expired."""

    fotoweb: SlowFotoWeb
    door: Any
    middleware: Any
    origin: str = APP
    fake: FakeFotoWeb = field(init=False)
    clock: FakeClock = field(init=False)

    def __post_init__(self) -> None:
        """Take over FotoWeb's clock."""
        self.fake, self.clock = self.fotoweb.fake, self.fotoweb.clock

    @property
    def refreshes(self) -> int:
        """How often FotoWeb was asked to refresh a token."""
        return sum(request.grant_type == "refresh_token" for request in self.fake.token_requests)

    def headers_of_two(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Return the headers of two people with expired tokens, the second renewed; FotoWeb is slow from now on."""
        people = [Visitor(self, "alice"), Visitor(self, "bob")]
        for person in people:
            person.log_in()
        self.clock.advance(301)
        people[1].get("/")
        self.fotoweb.is_slow = True
        self.fotoweb.answered_at.clear()
        first, second = ([*NAVIGATION.items(), *person.jar.header("/")] for person in people)
        return first, second


def storm_asgi(portal: BlockingPortal, cache: str, requests: int) -> Figures:
    """Send so many requests of one session as tasks of one event loop."""
    fotoweb = SlowFotoWeb()
    middleware = FotoWebASGIMiddleware(
        EchoApp().asgi, fotoweb.settings(cache), transport=fotoweb, clock=fotoweb.clock, monotonic=fotoweb.clock
    )
    stormed = Stormed(fotoweb, AsgiDoor(middleware, portal), middleware)
    mine, others = stormed.headers_of_two()
    figures, ended_at = Figures(), list[Moment]()

    async def ask(headers: list[tuple[str, str]]) -> int:
        reply = await stormed.door._request("GET", "/", headers, b"")
        status: int = reply.status
        return status

    async def one() -> None:
        figures.statuses[await ask(mine)] += 1
        ended_at.append(moment())

    async def other(storm: asyncio.Task[Any]) -> None:
        due = time.perf_counter()
        while not storm.done():
            assert await ask(others) == 200
            figures.other_seconds.append(time.perf_counter() - due)
            due = time.perf_counter() + PAUSE_SECONDS
            await asyncio.sleep(PAUSE_SECONDS)

    async def both() -> None:
        crowd = [one() for _ in range(requests)]
        storm = asyncio.create_task(all_of(crowd))
        await other(storm)
        await storm
        began = moment()
        await all_of([ask(mine) for _ in range(requests)])
        figures.note_calm(began)

    portal.call(both)
    portal.call(middleware._driver._cache.aclose)
    figures.note_end(fotoweb.answered_at, ended_at)
    return figures


async def all_of(calls: Sequence[Coroutine[Any, Any, object]]) -> None:
    """Make all calls at once, and wait for them."""
    await asyncio.gather(*calls)


def storm_wsgi(cache: str, requests: int) -> Figures:
    """Send so many requests of one session, each in a thread of its own."""
    fotoweb = SlowFotoWeb()
    middleware = FotoWebWSGIMiddleware(
        EchoApp().wsgi, fotoweb.settings(cache), transport=fotoweb, clock=fotoweb.clock, monotonic=fotoweb.clock
    )
    stormed = Stormed(fotoweb, WsgiDoor(middleware), middleware)
    mine, others = stormed.headers_of_two()
    figures, ended_at = Figures(), list[Moment]()

    numbers = itertools.count(1)

    def one() -> None:
        if next(numbers) == requests:
            fotoweb.all_came.set()
        figures.statuses[ask_plainly(stormed, middleware, mine)] += 1
        ended_at.append(moment())

    threads = at_once(one, requests)
    due = time.perf_counter()
    while any(thread.is_alive() for thread in threads):
        assert ask_plainly(stormed, middleware, others) == 200
        figures.other_seconds.append(time.perf_counter() - due)
        due = time.perf_counter() + PAUSE_SECONDS
        time.sleep(PAUSE_SECONDS)
    began = moment()
    for thread in at_once(lambda: ask_plainly(stormed, middleware, mine), requests):
        thread.join()
    figures.note_calm(began)
    middleware._driver._cache.close()
    figures.note_end(fotoweb.answered_at, ended_at)
    return figures


def at_once(call: Callable[[], object], times: int) -> list[threading.Thread]:
    """Begin a call in each of so many threads once all of them have started, and return them."""
    together = threading.Barrier(times + 1)

    def one() -> None:
        together.wait()
        call()

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    together.wait()
    return threads


def ask_plainly(stormed: Stormed, middleware: FotoWebWSGIMiddleware, headers: list[tuple[str, str]]) -> int:
    """Send a request and return its status; the door's own method checks PEP 3333, which takes longer than we do."""
    status: list[int] = []
    environ = stormed.door.environ("GET", "/", headers, b"")
    body = middleware(environ, lambda line, _headers, _error=None: status.append(int(line[:3])))
    assert b"".join(body)
    return status[0]
