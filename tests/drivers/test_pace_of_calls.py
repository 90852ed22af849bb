"""A crowd that calls FotoWeb begins its calls and takes their answers over several turns of an event loop."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import httpx
import pytest

from fotoweb_middleware.drivers import awaited_calls
from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.drivers.pace import STEPS_IN_A_TURN
from fotoweb_middleware.effects import Flow, PostForm
from tests.drivers.kit import FOTOWEB, ToyCache, awaiting_driver, perform, performing
from tests.drivers.turns import Turns, together

pytestmark = pytest.mark.anyio
CROWD = 100


class Noting(httpx.AsyncBaseTransport):
    """A FotoWeb that answers all calls in one moment.

    Attributes:
        turns: When it was called.
        failure: Raised instead of an answer.
    """

    def __init__(self, turns: Turns, failure: Exception | None = None) -> None:
        self.turns = turns
        self._failure = failure
        self._called = 0
        self._all_came = anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer once all have called."""
        self.turns.note()
        self._called += 1
        if self._called == CROWD:
            self._all_came.set()
        await self._all_came.wait()
        if self._failure is not None:
            raise self._failure
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))


async def test_calls_are_spread() -> None:
    """Of a crowd that is to call FotoWeb no more begin their call in one turn than may go on."""
    with Turns() as turns:
        driver = awaiting_with(Noting(turns))
        await together(*(lambda: driver.run(perform(PostForm(f"{FOTOWEB}/token", ()))) for _ in range(CROWD)))
    assert (turns.are_at_most(STEPS_IN_A_TURN), turns.counts.total()) == (True, CROWD)


class Holding(httpx.AsyncBaseTransport):
    """A FotoWeb that answers nobody before so many have called, and then everybody at once."""

    def __init__(self, turns: Turns, count: int) -> None:
        self._turns = turns
        self._missing = count
        self._complete = anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the others."""
        self._turns.note()
        self._missing -= 1
        if not self._missing:
            for _ in range(4 * CROWD):  # The others wait for a connection by then.
                await anyio.lowlevel.checkpoint()
            self._complete.set()
        await self._complete.wait()
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))


async def test_calls_that_waited_for_a_connection_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many connections become free in one moment, no more calls begin in one turn than may go on."""
    monkeypatch.setattr(awaited_calls, "MAX_CONNECTIONS", CROWD // 2)
    with Turns() as turns:
        driver = awaiting_with(Holding(turns, CROWD // 2))
        await together(*(lambda: driver.run(perform(PostForm(f"{FOTOWEB}/token", ()))) for _ in range(CROWD)))
    assert (turns.are_at_most(STEPS_IN_A_TURN), turns.counts.total()) == (True, CROWD)


@pytest.mark.parametrize("failure", [None, httpx.ConnectError("gone")], ids=["answers", "failures"])
async def test_answers_are_spread(failure: Exception | None) -> None:
    """Where FotoWeb answers a crowd in one moment, or none of it, no more go on in one turn than may."""
    with Turns() as after, Turns() as before:
        driver = awaiting_with(Noting(before, failure))

        def flow() -> Flow[None]:
            yield from performing(PostForm(f"{FOTOWEB}/token", ()))
            after.note()

        await together(*(lambda: driver.run(flow()) for _ in range(CROWD)))
    assert (after.are_at_most(STEPS_IN_A_TURN), after.counts.total()) == (True, CROWD)


def awaiting_with(transport: httpx.AsyncBaseTransport) -> AwaitingDriver:
    """Return a driver that calls this."""
    driver = awaiting_driver(ToyCache())
    driver._client_options._transport = transport
    return driver
