"""An event loop may end while refreshes and waiters are under way in it: nothing is lost, and nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpcore
import httpx
import pytest

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.drivers.arrivals import LOOKS_IN_A_TURN
from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.drivers.pace import Pace
from fotoweb_middleware.effects import AwaitLease, Detach, Flow, PostForm, SaveRecord, TakeLease
from fotoweb_middleware.errors import FotoWebUnreachable
from tests.drivers.forking import insist, run_trial
from tests.drivers.kit import PausingFace, ToyCache, awaiting_driver, perform, performing, raw_server
from tests.settings.samples import settings

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
URL = "https://tenant.example/token"
BACKENDS: list[tuple[str, dict[str, Any]]] = [("asyncio", {}), ("asyncio", {"use_uvloop": True}), ("trio", {})]


class Refreshing:
    """A refresh that is under way when its loop ends.

    Args:
        answer: Called when FotoWeb is asked; answers after it.
        changes: Settings.
    """

    def __init__(self, answer: Callable[[], Any], **changes: Any) -> None:
        self.cache = ToyCache()
        self._asked = asyncio.Event()
        self.result: Any = None
        self._answer = answer
        self.driver = AwaitingDriver(
            settings(**changes), PausingFace(self.cache), httpx.MockTransport(self._ask_fotoweb)
        )

    async def _ask_fotoweb(self, _: httpx.Request) -> httpx.Response:
        self._asked.set()
        await self._answer()
        return httpx.Response(200, stream=httpx.ByteStream(b"tokens"))

    def request(self) -> Flow[None]:
        """Refresh, as a request does."""
        lease = yield from TakeLease("k", 60)
        yield from Detach(self._refresh(), lease)

    def _refresh(self) -> Flow[None]:
        try:
            reply = yield from PostForm(URL, ())
        except FotoWebUnreachable as error:
            self.result = error
            return
        self.result = yield from SaveRecord("session", reply.body, 1, 60, create=True)

    async def until_asked(self) -> None:
        """Begin the refresh, and go away in the middle of it."""
        task = asyncio.create_task(self.driver.run(self.request()))
        await self._asked.wait()
        assert not task.done()


@pytest.mark.parametrize("use_uvloop", [False, True])
def test_refresh_is_written_down(use_uvloop: bool) -> None:
    """What FotoWeb answers after the loop was told to end is saved, and the lease is given up."""
    refreshing = Refreshing(lambda: anyio.sleep(0.1))
    anyio.run(refreshing.until_asked, backend_options={"use_uvloop": use_uvloop})
    assert (refreshing.cache.load("session"), refreshing.cache.is_leased("k")) == (Stored(b"tokens", 1), False)


def test_end_is_not_held_up() -> None:
    """Where FotoWeb says nothing the time-out of the call still holds, and the loop ends."""
    refreshing = Refreshing(anyio.sleep_forever, http_timeout=0.1)
    started = time.monotonic()
    anyio.run(refreshing.until_asked)
    took_seconds = time.monotonic() - started
    assert (type(refreshing.result), refreshing.cache.is_leased("k"), took_seconds < 20) == (
        FotoWebUnreachable,
        False,
        True,
    )


def test_end_while_connecting() -> None:
    """Where the loop ends before FotoWeb was reached, the call has failed like any other."""
    results: list[list[object]] = []

    async def until_connecting(url: str) -> None:
        driver = awaiting_driver(ToyCache(), None, http_timeout=10)
        await driver.prepare()

        def detached() -> Flow[None]:
            results.append((yield from performing(PostForm(url, ()))))

        task = asyncio.create_task(driver.run(perform(Detach(detached()))))
        await anyio.wait_all_tasks_blocked()
        assert not task.done()

    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as others:
        for _ in range(4):  # More than it takes: the next one waits.
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        asyncio.run(until_connecting(f"http://127.0.0.1:{full.getsockname()[1]}"))
    assert [type(result) for result in results[0]] == [FotoWebUnreachable]


def try_closed_loop() -> None:
    """Close a loop by hand under a flow that holds a lease of this process, and under one that waits for it."""
    driver, loop = awaiting_driver(ToyCache()), asyncio.new_event_loop()

    def holding() -> Flow[None]:
        yield from TakeLease("held", 60, local_only=True)
        yield from AwaitLease("nobody's", 60)

    def waiting() -> Flow[None]:
        yield from AwaitLease("held", 60)

    left = [loop.create_task(driver.run(flow)) for flow in (holding(), waiting())]
    loop.run_until_complete(asyncio.sleep(0.02))
    loop.close()
    for backend in ("asyncio", "trio"):
        lease = anyio.run(driver.run, perform(TakeLease("held", 60, local_only=True)), backend=backend)
        insist(lease is not None)
    insist(not any(task.done() for task in left))


def test_closed_loop() -> None:
    """What a loop held that was closed under it can be had in others; who waited in it disturbs nobody."""
    run_trial(try_closed_loop)


LEFT_BEHIND = (httpx.AsyncClient, httpcore.AsyncHTTPConnection, httpcore.AsyncHTTP11Connection, Pace)


def call_in_loops(*, over_proxy: bool) -> None:
    """Call FotoWeb in many loops, one after the other; some calls fail."""
    driver = awaiting_driver(ToyCache(), None)
    with raw_server(OK) as server:
        os.environ["http_proxy"] = server.url if over_proxy else ""
        for backend, options in BACKENDS * 4:
            flow = performing(PostForm(server.url, ()), PostForm("http://127.0.0.1:1", ()))
            anyio.run(driver.run, flow, backend=backend, backend_options=options)
        insist(len(server.requests) == len(BACKENDS) * 4 * (2 if over_proxy else 1))
    gc.collect()
    insist(sum(type(thing) in LEFT_BEHIND for thing in gc.get_objects()) == 0)


def try_direct_calls() -> None:
    """Call FotoWeb directly."""
    call_in_loops(over_proxy=False)


def try_calls_over_proxy() -> None:
    """Call FotoWeb as the environment says."""
    call_in_loops(over_proxy=True)


@pytest.mark.parametrize("trial", [try_direct_calls, try_calls_over_proxy])
def test_clients_go_with_their_loops(trial: Callable[[], None]) -> None:
    """Loops that have ended leave neither a client nor a connection behind."""
    run_trial(trial)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_crowd_that_is_given_up_as_its_loop_ends(backend: str) -> None:
    """A loop ends as ever while a crowd that was given up still stands in the queue for its turns."""
    driver = awaiting_driver(ToyCache())

    async def arrive() -> None:
        await driver.arrive()

    async def give_up() -> str:
        async with anyio.create_task_group() as crowd:
            for _ in range(10 * LOOKS_IN_A_TURN):
                crowd.start_soon(arrive)
            await anyio.lowlevel.checkpoint()
            crowd.cancel_scope.cancel()
        return "ended"

    assert [anyio.run(give_up, backend=backend) for _ in range(20)] == ["ended"] * 20
