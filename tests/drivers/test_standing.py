"""What a crowd leaves standing while it waits: garbage collections go through all of it, and all of it blocks the loop.

What is counted are containers, as the collector counts them, on asyncio, where each is known. The limits leave some
room for other versions of Python and of the libraries.
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from types import SimpleNamespace
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.drivers.direct_call import Stream
from fotoweb_middleware.drivers.pace import Pace, Rank
from fotoweb_middleware.effects import Detach, Effect, LoadRecord, PostForm, TakeLease
from tests.drivers.kit import ToyCache, awaiting_driver, perform, performing, raw_server

CROWD = 50
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
OURS = ("fotoweb_middleware", "httpcore", "httpx", "h11", "anyio")


@pytest.fixture(autouse=True)
def only_what_is_new() -> Iterator[None]:
    """Keep the collector from whatever earlier tests left: what they have in a thread may end in the middle of this."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def containers_each(
    start: Callable[[], Coroutine[Any, Any, object]], until: Callable[[], Awaitable[None]]
) -> float:
    """Return how many containers each of a crowd leaves standing, the task that is started among them."""
    gc.collect()
    before = len(gc.get_objects())
    tasks = [asyncio.create_task(start()) for _ in range(CROWD)]
    await until()
    gc.collect()
    standing = len(gc.get_objects()) - before
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.wait(tasks)
    return standing / CROWD


def test_who_waits_for_its_turn() -> None:
    """Who waits for its turn leaves a task, a coroutine and a future standing, and what those have."""

    async def count() -> float:
        pace = Pace(1, lambda _turn: None)  # The next turn never comes.
        return await containers_each(lambda: pace.keep(Rank.BEGINNING), anyio.wait_all_tasks_blocked)

    assert asyncio.run(count()) <= 8


def waiting_driver() -> AwaitingDriver:
    """Return a driver whose cache never answers."""
    driver = awaiting_driver(ToyCache())
    driver._cache = cast("Any", SimpleNamespace(load=lambda _key: asyncio.sleep(3600)))
    return driver


def test_what_is_detached() -> None:
    """What goes on though its request goes away leaves a task more standing, and little besides."""

    async def count(make: Callable[[], Effect[Any]]) -> float:
        driver = waiting_driver()
        return await containers_each(lambda: driver.run(perform(make())), anyio.wait_all_tasks_blocked)

    itself = asyncio.run(count(lambda: LoadRecord("x")))
    detached = asyncio.run(count(lambda: Detach(perform(LoadRecord("x")))))
    assert detached - itself <= 21


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Return the address of a server that takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=CROWD * 2) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def all_wait_for_the_server() -> None:
    """Wait until the crowd does."""
    while sum(type(each) is Stream for each in gc.get_objects()) < CROWD:
        await anyio.lowlevel.checkpoint()
    await anyio.wait_all_tasks_blocked()


def test_who_waits_for_fotoweb(silent_url: str) -> None:
    """A call that waits for its answer leaves the connection standing, one scope, and no context of a time-out."""

    async def count() -> float:
        driver = awaiting_driver(ToyCache(), None)
        await driver.prepare()
        return await containers_each(lambda: driver.run(perform(PostForm(silent_url, ()))), all_wait_for_the_server)

    assert asyncio.run(count()) <= 80


def test_no_cycles() -> None:
    """What has ended is gone at once: nothing of ours or of the call's libraries is left to the garbage collector."""

    async def call(url: str) -> list[object]:
        driver = awaiting_driver(ToyCache(), None)
        await driver.prepare()
        await driver.run(performing(TakeLease("k", 60), Detach(performing(PostForm(url, ())))))
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        await driver.run(performing(TakeLease("k", 60), Detach(performing(PostForm(url, ())))))
        gc.collect()
        gc.set_debug(0)
        found = [each for each in gc.garbage if type(each).__module__.partition(".")[0] in OURS]
        gc.garbage.clear()
        return found

    with raw_server(OK) as server:
        assert asyncio.run(call(server.url)) == []
