"""The ASGI middleware and its event loop: one that stops while a refresh is under way, and many one after another."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio.from_thread
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb, Fault
from tests.behaviour.kit import CALLBACK, FETCH, AsgiAdapter, Opening, Visitor
from tests.behaviour.pairs import Meanwhile


@pytest.fixture
def meanwhile() -> Meanwhile:
    """Return what happens while FotoWeb takes its time."""
    return Meanwhile()


@pytest.fixture
def member(portal: anyio.from_thread.BlockingPortal, meanwhile: Meanwhile) -> Visitor:
    """Return somebody whose token has expired."""
    clock = FakeClock()
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock, pause=meanwhile)
    fake.switch(access_token_lifetime_seconds=300)
    visitor = Opening("asgi", portal, "sealed", fake=fake, clock=clock).open().visitor()
    visitor.log_in()
    clock.advance(301)
    return visitor


def again(site: Any, executor: ThreadPoolExecutor) -> FotoWebASGIMiddleware:
    """Return another middleware over the same store, with threads of its own."""
    return FotoWebASGIMiddleware(
        site.app.serve_asgi,
        site.settings,
        store=site.store,
        transport=site.fake.transport(),
        executor=executor,
        clock=site.wall,
        monotonic=site.clock,
    )


def scope_of(member: Visitor) -> dict[str, Any]:
    """Return a request of somebody's."""
    assert isinstance(member.site.adapter, AsgiAdapter)
    return member.site.adapter.scope("http", "GET", "/", [*FETCH.items(), *member.jar.header("/")])


async def nothing(*_: Any) -> Any:
    """Be ``receive`` or ``send``."""
    return {"type": "http.request", "body": b"", "more_body": False}


def test_loop_that_stops_during_a_refresh(member: Visitor, meanwhile: Meanwhile) -> None:
    """The refresh comes to its end, and its thread too, though the loop has stopped: the process can end."""
    loop, may_answer = asyncio.new_event_loop(), threading.Event()

    def stop_and_wait() -> None:
        loop.call_soon_threadsafe(loop.stop)
        may_answer.wait(20)

    meanwhile.work = stop_and_wait
    member.site.fake.fault("token", Fault.slow(0.01), times=1)
    executor = ThreadPoolExecutor(2)
    task = loop.create_task(again(member.site, executor)(scope_of(member), nothing, nothing))
    loop.run_forever()

    may_answer.set()
    executor.shutdown(wait=True)

    loop.run_until_complete(task)
    loop.close()


def test_loops_are_not_kept(member: Visitor) -> None:
    """A loop that has ended is forgotten, and all that belonged to it."""
    loops: list[weakref.ref[Any]] = []
    with ThreadPoolExecutor(2) as executor:
        middleware = again(member.site, executor)

        async def ask() -> None:
            loops.append(weakref.ref(asyncio.get_running_loop()))
            await middleware(scope_of(member), nothing, nothing)

        for _ in range(3):
            asyncio.run(ask())
            member.site.clock.advance(301)
    gc.collect()

    assert [loop() for loop in loops] == [None] * 3
