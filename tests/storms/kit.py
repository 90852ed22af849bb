"""Many requests of one session at once, in one process, while another session goes its way."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import httpx
from anyio.from_thread import BlockingPortal

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.behaviour.kit import APP, CALLBACK, FOTOWEB, NAVIGATION, SECRET_KEY, AsgiDoor, EchoApp, Visitor, WsgiDoor

__all__ = ["Figures", "storm_asgi", "storm_wsgi"]

R = TypeVar("R")
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
        calm_statuses: How often each, of as many requests of the same session right afterwards, when none had to wait.
        calm_seconds: How long those took.
        calm_computing_seconds: How much the process computed for them.
        other_seconds: How long each request of the other session took meanwhile, from when it was due.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    token_calls: int = 0
    after_answer_seconds: float = 0.0
    computing_seconds: float = 0.0
    calm_statuses: Counter[int] = field(default_factory=Counter)
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

    @property
    def waiting_seconds(self) -> float:
        """How long the last request waited after FotoWeb's answer, beside computing, by the clock of the calm ones."""
        times_longer = self.calm_seconds / self.calm_computing_seconds  # Others want the same cores, or one lock.
        return self.after_answer_seconds - self.computing_seconds * max(times_longer, 1.0)

    @property
    def times_calm(self) -> float:
        """How many times what as many requests compute that need not wait."""
        return self.computing_seconds / self.calm_computing_seconds

    def note_calm(self, began: Moment, statuses: list[int]) -> None:
        """Note that the requests that need not wait are answered."""
        ended, ended_computing = moment()
        self.calm_statuses = Counter(statuses)
        self.calm_seconds, self.calm_computing_seconds = ended - began[0], ended_computing - began[1]

    def __str__(self) -> str:
        """Return a line for the docs."""
        other = sorted(seconds * 1e3 for seconds in self.other_seconds)
        after, computing = self.after_answer_seconds * 1e3, self.computing_seconds * 1e3
        calm, calm_computing = self.calm_seconds * 1e3, self.calm_computing_seconds * 1e3
        return (
            f"{dict(self.statuses)}, token calls {self.token_calls}, last answer {after:.0f} ms after FotoWeb's, "
            f"{computing:.0f} ms of it computing; with fresh tokens {calm:.0f} ms, {calm_computing:.0f} ms of it "
            f"computing; waiting {self.waiting_seconds * 1e3:.0f} ms; other session: {len(other)} requests, "
            f"median {self.other_median_seconds * 1e3:.2f} ms, slowest {max(other, default=0):.1f} ms"
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
    figures, statuses, ended_at = Figures(), list[int](), list[Moment]()

    async def ask(headers: list[tuple[str, str]]) -> int:
        reply = await stormed.door._request("GET", "/", headers, b"")
        status: int = reply.status
        return status

    async def one() -> None:
        statuses.append(await ask(mine))
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
        figures.statuses = Counter(statuses)
        began = moment()
        figures.note_calm(began, await all_of([ask(mine) for _ in range(requests)]))

    portal.call(both)
    portal.call(middleware._driver._cache.aclose)
    figures.note_end(fotoweb.answered_at, ended_at)
    return figures


async def all_of(calls: Sequence[Coroutine[Any, Any, R]]) -> list[R]:
    """Make all calls at once, and return what each returned."""
    return await asyncio.gather(*calls)


def storm_wsgi(cache: str, requests: int) -> Figures:
    """Send so many requests of one session, each in a thread of its own."""
    fotoweb = SlowFotoWeb()
    middleware = FotoWebWSGIMiddleware(
        EchoApp().wsgi, fotoweb.settings(cache), transport=fotoweb, clock=fotoweb.clock, monotonic=fotoweb.clock
    )
    stormed = Stormed(fotoweb, WsgiDoor(middleware), middleware)
    mine, others = stormed.headers_of_two()
    figures, statuses, ended_at = Figures(), list[int](), list[Moment]()

    numbers = itertools.count(1)

    def one() -> None:
        if next(numbers) == requests:
            fotoweb.all_came.set()
        statuses.append(ask_plainly(stormed, middleware, mine))
        ended_at.append(moment())

    threads, _ = at_once(one, requests)
    due = time.perf_counter()
    while any(thread.is_alive() for thread in threads):
        assert ask_plainly(stormed, middleware, others) == 200
        figures.other_seconds.append(time.perf_counter() - due)
        due = time.perf_counter() + PAUSE_SECONDS
        time.sleep(PAUSE_SECONDS)
    figures.statuses, calm = Counter(statuses), list[int]()
    threads, began = at_once(lambda: calm.append(ask_plainly(stormed, middleware, mine)), requests)
    for thread in threads:
        thread.join()
    figures.note_calm(began, calm)
    middleware._driver._cache.close()
    figures.note_end(fotoweb.answered_at, ended_at)
    return figures


def at_once(call: Callable[[], object], times: int) -> tuple[list[threading.Thread], Moment]:
    """Begin a call in each of so many threads once all of them have started; return the threads and that moment."""
    began: list[Moment] = []
    together = threading.Barrier(times + 1, action=lambda: began.append(moment()))

    def one() -> None:
        together.wait()
        call()

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    together.wait()
    return threads, began[0]


def ask_plainly(stormed: Stormed, middleware: FotoWebWSGIMiddleware, headers: list[tuple[str, str]]) -> int:
    """Send a request and return its status; the door's own method checks PEP 3333, which takes longer than we do."""
    status: list[int] = []
    environ = stormed.door.environ("GET", "/", headers, b"")
    body = middleware(environ, lambda line, _headers, _error=None: status.append(int(line[:3])))
    assert b"".join(body)
    return status[0]
