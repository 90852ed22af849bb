"""A crowd of requests that comes in one moment is looked at over several turns of the event loop."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware
from fotoweb_middleware.drivers.arrivals import LOOKS_IN_A_TURN, UNASKED, Arrivals
from fotoweb_middleware.stages.shortcut import Shortcut
from tests.benchmarks.requests import scope_of
from tests.benchmarks.sessions import Wrapped, make_record
from tests.drivers.kit import ToyCache, awaiting_driver
from tests.drivers.turns import Turns
from tests.settings.samples import settings

pytestmark = pytest.mark.anyio
CROWD = 1000


async def nothing(_message: Any) -> None:
    """Send nothing."""


class Loop:
    """An event loop whose turns the test begins."""

    def __init__(self) -> None:
        self.due: list[Callable[[], object]] = []
        self.arrivals = Arrivals(self.due.append)

    def looks(self, count: int) -> int:
        """Ask so many times for room, and return how often there was some."""
        return sum(self.arrivals.has_room() for _ in range(count))

    def turn(self) -> None:
        """Begin the next turn."""
        due, self.due[:] = list(self.due), []
        for callback in due:
            callback()


def test_a_few_ask_for_no_turn() -> None:
    """Requests that come one by one cost the loop nothing."""
    loop = Loop()

    assert (loop.looks(UNASKED - 1), loop.due) == (UNASKED - 1, [])


def test_room_for_so_many() -> None:
    """A turn has room for so many, and the next one for as many again."""
    loop = Loop()
    first = loop.looks(CROWD)
    loop.turn()

    assert (first, loop.looks(CROWD)) == (LOOKS_IN_A_TURN, LOOKS_IN_A_TURN)


def test_a_turn_that_is_full_says_so() -> None:
    """Who need not count asks whether the next who does would find room."""
    loop = Loop()
    said = [loop.arrivals.is_full, loop.looks(LOOKS_IN_A_TURN - 1), loop.arrivals.is_full]
    said += [loop.looks(1), loop.arrivals.is_full, loop.looks(1), loop.arrivals.is_full]
    loop.turn()

    assert [*said, loop.arrivals.is_full] == [False, LOOKS_IN_A_TURN - 1, False, 1, True, 0, True, False]


@pytest.mark.parametrize("count", [1, UNASKED + 1, LOOKS_IN_A_TURN - UNASKED])
def test_a_few_in_each_turn_always_have_room(count: int) -> None:
    """Who comes in no crowd never waits, however many came before."""
    loop = Loop()
    seen = []
    for _ in range(100):
        seen.append(loop.looks(count))
        loop.turn()

    assert seen == [count] * 100


def test_a_loop_that_ended() -> None:
    """A loop that ends before its next turn takes the count with it for a while only."""
    loop = Loop()
    loop.looks(LOOKS_IN_A_TURN + 1)
    loop.due.clear()
    loop.looks(LOOKS_IN_A_TURN)
    loop.turn()

    assert loop.looks(1) == 1


async def test_nobody_is_forgotten() -> None:
    """Of a crowd each goes on, in as many turns as it takes, and few in each."""
    driver = awaiting_driver(ToyCache())
    with Turns() as turns:

        async def look() -> None:
            if not driver.arrivals.has_room():
                await driver.arrive()
            turns.note()

        async with anyio.create_task_group() as tasks:
            for _ in range(CROWD):
                tasks.start_soon(look)

    assert turns.counts.total() == CROWD
    assert turns.are_at_most(LOOKS_IN_A_TURN)
    assert len(turns.counts) >= CROWD / (3 * LOOKS_IN_A_TURN)


async def test_crowd_at_the_door(anyio_backend: str) -> None:
    """Strangers who come in one moment are answered over several turns of the loop."""

    async def app(*_: object) -> None:
        raise AssertionError("nobody is logged in")

    middleware = FotoWebASGIMiddleware(app, settings(cache="memory://"))
    started: list[int] = []
    with Turns() as turns:

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                started.append(message["status"])
                turns.note()

        async def ask() -> None:
            headers = [(b"host", b"app.test"), (b"accept", b"application/json"), (b"sec-fetch-mode", b"cors")]
            scope = {"type": "http", "method": "GET", "scheme": "https", "path": "/", "headers": headers}
            await middleware({**scope, "query_string": b"", "raw_path": b"/"}, anyio.sleep_forever, send)

        await ask()  # What a first answer loads is loaded.
        await anyio.lowlevel.checkpoint()
        async with anyio.create_task_group() as tasks:
            for _ in range(CROWD):
                tasks.start_soon(ask)

    assert (len(started), set(started)) == (CROWD + 1, {401})
    assert turns.are_at_most(LOOKS_IN_A_TURN)
    assert len(turns.counts) >= math.ceil(CROWD / (3 * LOOKS_IN_A_TURN))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_who_is_given_up_while_waiting() -> None:
    """A request that is cancelled while it waits takes no other's turn for good."""
    driver = awaiting_driver(ToyCache())
    tasks = [asyncio.ensure_future(driver.arrive()) for _ in range(CROWD)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks)

    assert [task.cancelled() for task in tasks[1::2]] == [False] * (CROWD // 2)
    with anyio.fail_after(10):
        await driver.arrive()


class Noting(Shortcut):
    """Notes in which turn of the loop it looks."""

    __slots__ = ("turns",)
    turns: Turns

    def find(self, *parts: Any) -> Any:
        """Look, and note it."""
        self.turns.note()
        return super().find(*parts)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_crowd_is_not_looked_up_before_it_gets_in_line() -> None:
    """New cookies for which there is no room get in line before they are looked up."""
    wrapped = Wrapped(echo, is_asgi=True, changes={"cache": "memory://"})
    noting = wrapped.middleware._shortcut = Noting(wrapped.site, wrapped.middleware._arrivals.has_room)
    cookies = [wrapped.cookie(make_record(number)) for number in range(CROWD)]
    with Turns() as noting.turns:
        async with anyio.create_task_group() as tasks:
            for cookie in cookies:
                tasks.start_soon(wrapped.middleware, scope_of(cookie), anyio.sleep_forever, nothing)
    await wrapped.middleware._driver._cache.aclose()

    assert noting.turns.counts.total() == CROWD
    assert max(noting.turns.counts.values()) <= LOOKS_IN_A_TURN


@pytest.mark.parametrize("form", ["{}", "a=1; {}", " {} "])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_known_cookie_waits_for_no_crowd(form: str) -> None:
    """Who comes last, behind a crowd of new cookies, and is known, is served before them."""
    wrapped = Wrapped(echo, is_asgi=True, changes={"cache": "memory://"})
    known, *others = [wrapped.cookie(make_record(number)) for number in range(CROWD)]
    await wrapped.middleware(scope_of(known), anyio.sleep_forever, nothing)
    await anyio.lowlevel.checkpoint()
    served: list[str] = []

    async def ask(cookie: str) -> None:
        async def send(_message: Any) -> None:
            served.append(cookie)

        await wrapped.middleware(scope_of(cookie), anyio.sleep_forever, send)

    async with anyio.create_task_group() as tasks:
        for cookie in [*others, form.format(known)]:
            tasks.start_soon(ask, cookie)
    await wrapped.middleware._driver._cache.aclose()

    assert len(served) == CROWD
    assert served.index(form.format(known)) <= LOOKS_IN_A_TURN


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_unsafe_requests_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A POST with a new cookie, which is not opened before the stages are asked, is one look."""
    wrapped = Wrapped(echo, is_asgi=True, changes={"cache": "memory://"})
    driver = wrapped.middleware._driver
    counted: list[bool] = []
    has_room = driver.arrivals.has_room

    def count() -> bool:
        counted.append(has_room())
        return counted[-1]

    monkeypatch.setattr(driver.arrivals, "has_room", count)
    monkeypatch.setattr(wrapped.middleware._shortcut, "_may_meet", count)

    async with anyio.create_task_group() as tasks:
        for number in range(LOOKS_IN_A_TURN):
            scope = {**scope_of(wrapped.cookie(make_record(number))), "method": "POST"}
            tasks.start_soon(wrapped.middleware, scope, anyio.sleep_forever, nothing)
    await driver._cache.aclose()

    assert counted == [True] * LOOKS_IN_A_TURN


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_new_cookies_of_a_crowd_are_opened_at_the_door() -> None:
    """Who had to wait for a turn goes the short way in it, as the first ones did."""
    wrapped = Wrapped(echo, is_asgi=True, changes={"cache": "memory://"})
    gate = wrapped.middleware._gate
    gate.load = None  # Nobody asks it.
    cookies = [wrapped.cookie(make_record(number)) for number in range(CROWD)]
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async with anyio.create_task_group() as tasks:
        for cookie in cookies:
            tasks.start_soon(wrapped.middleware, scope_of(cookie), anyio.sleep_forever, send)
    await wrapped.middleware._driver._cache.aclose()

    assert sent == ["answered"] * CROWD


async def echo(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer."""
    await send("answered")
