"""Calls to FotoWeb from event loops: each within one deadline, so many at a time, and none in another's way."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread

from fotoweb_middleware.drivers.calling import (
    MAX_CONNECTIONS,
    ClientOptions,
    ReplyReader,
    failure_from_httpx,
    request_parts,
    unreachable,
)
from fotoweb_middleware.drivers.direct_call import call_directly
from fotoweb_middleware.drivers.pace import Pace, Rank
from fotoweb_middleware.effects import GetDocument, HttpReply, PostForm

if TYPE_CHECKING:
    import httpx

__all__ = ["AwaitedCalls"]

NUMBERS = itertools.count()


class AwaitedCalls:
    """Carries calls out, in any event loop.

    Args:
        options: For TLS, and where calls go.
        timeout_seconds: For one call, everything included.
    """

    def __init__(self, options: ClientOptions, timeout_seconds: float) -> None:
        self._options = options
        self._timeout_seconds = timeout_seconds
        # A client belongs to the event loop it was first used in; there may be several loops in one process.
        self._clients: anyio.lowlevel.RunVar[httpx.AsyncClient] = anyio.lowlevel.RunVar(f"httpx client {next(NUMBERS)}")
        self._turns: anyio.lowlevel.RunVar[anyio.Semaphore] = anyio.lowlevel.RunVar(f"turns {next(NUMBERS)}")

    async def prepare(self) -> None:
        """Load what calls need, where it was not loaded before: about a tenth of a second, in a thread."""
        if not self._options.are_loaded:  # The app may keep anyio's own threads busy: this is one of ours.
            await anyio.to_thread.run_sync(self._options.load, limiter=anyio.CapacityLimiter(1))

    async def call(self, effect: PostForm | GetDocument, pace: Pace) -> HttpReply:
        """Return FotoWeb's answer, after ``prepare``; the waits for a connection and a turn count towards the deadline.

        Args:
            effect: What to ask.
            pace: Of this event loop. Calls that begin a few at a time are also answered a few at a time.

        Raises:
            FotoWebUnreachable: There is none in time.
            FotoWebNonsense: It is too large, or compressed.
        """
        options = self._options.load()
        try:
            # Neither ``fail_after`` nor ``async with``: all that stands on the stack of a call that waits is there as
            # often as there are calls.
            with anyio.CancelScope(deadline=anyio.current_time() + self._timeout_seconds):
                turns = self._turns_here()
                await turns.acquire()
                try:
                    await pace.keep(Rank.CALLING)
                    if options.for_httpx:
                        return await self._call_over_httpx(effect, options.for_httpx)
                    return await call_directly(effect, options.tls)
                finally:
                    turns.release()
        except TimeoutError as error:
            raise unreachable(error) from None
        raise unreachable(TimeoutError())

    async def _call_over_httpx(self, effect: PostForm | GetDocument, options: Mapping[str, Any]) -> HttpReply:
        import httpx  # noqa: PLC0415 (``load`` did it, with a lock that no fork interrupts)

        try:
            async with self._client(options).stream(**request_parts(effect)) as response:
                reader = ReplyReader(response.status_code, response.headers.raw)
                async for chunk in response.aiter_raw():
                    reader.add(chunk)
                return reader.reply()
        except httpx.HTTPError as error:
            raise failure_from_httpx(error) from None

    def _client(self, options: Mapping[str, Any]) -> httpx.AsyncClient:
        client = self._clients.get(None)
        if client is None:
            import httpx  # noqa: PLC0415 (see above)

            client = httpx.AsyncClient(**options)
            self._clients.set(client)
        return client

    def _turns_here(self) -> anyio.Semaphore:
        """Return where a call of this event loop waits until there may be one more connection.

        FotoWeb is not to be overrun; and where httpx calls, each that waits makes every other one dearer: of a thousand
        at once none came to its end in time.
        """
        turns = self._turns.get(None)
        if turns is None:
            turns = anyio.Semaphore(MAX_CONNECTIONS, fast_acquire=True)
            self._turns.set(turns)
        return turns
