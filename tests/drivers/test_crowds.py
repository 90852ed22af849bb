"""More calls to FotoWeb at once than there may be connections."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import httpx
import pytest

from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.drivers.calling import MAX_CONNECTIONS
from fotoweb_middleware.effects import PostForm
from tests.drivers.kit import FOTOWEB, ToyCache, performing
from tests.settings.samples import settings

CALLS = MAX_CONNECTIONS + 50


class Crowd(httpx.AsyncBaseTransport):
    """A FotoWeb that answers nobody before as many wait as ever will, and counts them.

    Attributes:
        most: The largest number of calls that httpx had at once.
        answered: All calls.
    """

    def __init__(self) -> None:
        self.waiting = self.most = self.answered = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer once as many wait as may, and everybody else had a turn."""
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        while self.most < MAX_CONNECTIONS:
            await anyio.lowlevel.checkpoint()
        for _ in range(100):
            await anyio.lowlevel.checkpoint()
        self.waiting -= 1
        self.answered += 1
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_httpx_never_has_a_queue(backend: str) -> None:
    """Calls beyond the connections wait with us: httpx's own queue takes longer for all with each that is in it."""
    crowd = Crowd()

    async def call_all() -> None:
        driver = AwaitingDriver(settings(), InlineFace(ToyCache()), crowd)
        async with anyio.create_task_group() as tasks:
            for _ in range(CALLS):
                tasks.start_soon(driver.run, performing(PostForm(f"{FOTOWEB}/token", ())))

    anyio.run(call_all, backend=backend)

    assert (crowd.most, crowd.answered) == (MAX_CONNECTIONS, CALLS)
