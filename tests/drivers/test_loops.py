"""One driver serves several event loops in several threads at once (R-TE20)."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx
import pytest

from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.effects import AwaitLease, Flow, HttpReply, LoadRecord, PostForm, TakeLease
from tests.drivers.kit import ToyCache, awaiting_driver, perform, raw_server

LOOPS = ["asyncio", "trio", "asyncio", "trio", "asyncio", "trio"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def run_in_loops(driver: AwaitingDriver, flows: list[Flow[Any]]) -> list[Any]:
    """Run each flow in an event loop and a thread of its own."""

    def run(flow: Flow[Any], name: str) -> Any:
        return anyio.run(driver.run, flow, backend=name)

    with ThreadPoolExecutor(len(flows)) as pool:
        return list(pool.map(run, flows, LOOPS, timeout=30))


def test_waiters_woken_in_every_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder in one loop wakes the waiters in all others, asyncio's and trio's, without polling."""

    def poll(at_most_seconds: float) -> float:
        raise AssertionError(at_most_seconds)

    monkeypatch.setattr("fotoweb_middleware.drivers.awaiting.poll_seconds", poll)
    driver, held, released = awaiting_driver(ToyCache()), threading.Event(), threading.Event()

    def holding() -> Flow[str]:
        yield from TakeLease("k", 60)
        held.set()
        released.wait(10)
        yield from LoadRecord("x")
        return "held"

    def waiting() -> Flow[bool]:
        held.wait(10)
        seconds = yield from AwaitLease("k", 30)
        return seconds < 10

    threading.Thread(target=release_when_all_wait, args=(driver, released, 5), daemon=True).start()
    assert run_in_loops(driver, [holding(), *(waiting() for _ in range(5))]) == ["held"] + [True] * 5


def release_when_all_wait(driver: AwaitingDriver, released: threading.Event, count: int) -> None:
    """Let the holder go once so many wait."""
    deadline = time.monotonic() + 10
    while len(driver._flights._wakes.get("k", ())) < count and time.monotonic() < deadline:
        time.sleep(0.002)
    released.set()


def test_waiter_whose_loop_is_gone() -> None:
    """A waiter whose event loop has ended disturbs nobody."""
    driver = awaiting_driver(ToyCache())

    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    def flow() -> Flow[bool]:
        lease = yield from TakeLease("k", 60)
        driver._flights.wait("k", gone)
        return lease is not None

    assert [anyio.run(driver.run, flow(), backend=name) for name in ("asyncio", "trio")] == [True, True]


def test_single_flight_over_loops() -> None:
    """Flows in several loops never hold one lease together."""
    driver, inside, most = awaiting_driver(ToyCache()), [0], [0]

    def flow() -> Flow[str]:
        while (yield from TakeLease("k", 60)) is None:
            yield from AwaitLease("k", 5)
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        yield from LoadRecord("work")
        inside[0] -= 1
        return "done"

    assert (run_in_loops(driver, [flow() for _ in LOOPS]), most) == (["done"] * 6, [1])


def test_calls_from_every_loop() -> None:
    """Every loop calls FotoWeb with a client of its own, at once and one after the other."""
    with raw_server(OK) as server:
        driver = awaiting_driver(ToyCache(), None)
        for _ in range(2):
            replies = run_in_loops(driver, [perform(PostForm(server.url, ())) for _ in LOOPS])
            assert replies == [HttpReply(200, None, b"{}")] * 6


def test_one_client_a_loop() -> None:
    """Within one loop the client is made once: its TLS context costs."""
    driver = awaiting_driver(ToyCache(), lambda request: httpx.Response(200, stream=httpx.ByteStream(b"")))
    clients = []

    async def twice() -> None:
        for _ in range(2):
            await driver.run(perform(PostForm("https://tenant.example", ())))
            clients.append(driver._calls._client({}))

    anyio.run(twice)
    anyio.run(twice)
    assert [clients[0] is clients[1], clients[2] is clients[3], clients[0] is clients[2]] == [True, True, False]
