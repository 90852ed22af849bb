"""Carries effects out for the ASGI door, on asyncio and on trio (anyio)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import httpx

from fotoweb_middleware.caches.protocol import AsyncCache, Lease
from fotoweb_middleware.drivers.calling import BodyReader, client_options, read_reply, request_parts, unreachable
from fotoweb_middleware.drivers.flights import Flights, poll_seconds
from fotoweb_middleware.effects import (
    AwaitLease,
    BuryRecord,
    Claim,
    Detach,
    Effect,
    Flow,
    GetDocument,
    HttpReply,
    LoadRecord,
    PostForm,
    SaveRecord,
    TakeLease,
)
from fotoweb_middleware.errors import CacheUnavailable, FotoWebMiddlewareError
from fotoweb_middleware.settings import Settings

__all__ = ["AwaitingDriver"]

R = TypeVar("R")
NUMBERS = itertools.count()
LOGGER = logging.getLogger("fotoweb_middleware")


class AwaitingDriver:
    """Runs flows to their end in the calling task.

    Args:
        settings: For time-outs and TLS.
        cache: The server cache.
        transport: Where calls to FotoWeb go instead of the network; for tests.
    """

    def __init__(
        self, settings: Settings, cache: AsyncCache, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._cache = cache
        self._flights = Flights()
        self._timeout_seconds = settings.http_timeout
        self._client_options = {**client_options(settings), "transport": transport}
        # A client belongs to the event loop it was first used in; there may be several loops in one process.
        self._clients: anyio.lowlevel.RunVar[httpx.AsyncClient] = anyio.lowlevel.RunVar(f"httpx client {next(NUMBERS)}")
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, flow: Flow[R]) -> R:
        """Carry out every effect of ``flow`` and return what it returns."""
        return await self._run(flow, [])

    async def _run(self, flow: Flow[R], leases: list[Lease]) -> R:
        try:
            effect = next(flow)
            while True:
                try:
                    reply = await self._perform(effect, leases)
                except FotoWebMiddlewareError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: R = stop.value
            return result
        finally:
            async with contextlib.AsyncExitStack() as stack:  # One that fails keeps none of the others from its end.
                for lease in leases:
                    stack.push_async_callback(self._release, lease)
                flow.close()

    async def _perform(self, effect: Effect[Any], leases: list[Lease]) -> object:
        match effect:
            case LoadRecord(key):
                return await self._cache.load(key)
            case SaveRecord(key, value, version, ttl_seconds, create, lease):
                return await self._cache.save(
                    key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease
                )
            case BuryRecord(key, ttl_seconds):
                await self._cache.bury(key, ttl_seconds=ttl_seconds)
                return None
            case TakeLease():
                return await self._take_lease(effect, leases)
            case AwaitLease():
                return await self._await_lease(effect)
            case Claim():
                return await self._claim(effect)
            case PostForm() | GetDocument():
                return await self._call(effect)
            case Detach(flow, lease):
                return await self._detach(flow, lease, leases)
            case _:
                raise TypeError(effect)

    async def _take_lease(self, effect: TakeLease, leases: list[Lease]) -> Lease | None:
        if not self._flights.begin(effect.key):
            return None
        lease: Lease | None = None
        try:
            lease = (
                Lease(effect.key, "", 0)
                if effect.local_only
                else await self._cache.take_lease(effect.key, ttl_seconds=effect.ttl_seconds)
            )
        finally:
            if lease is None:
                self._flights.end(effect.key)
        if lease is not None:
            leases.append(lease)
        return lease

    async def _release(self, lease: Lease) -> None:
        try:
            if lease.fence:
                with anyio.CancelScope(shield=True):  # Without it the release of a cancelled request never runs.
                    await self._cache.free_lease(lease)
        except CacheUnavailable:
            pass  # It ends by itself.
        finally:
            self._flights.end(lease.key)

    async def _await_lease(self, effect: AwaitLease) -> float:
        started = anyio.current_time()
        woken = anyio.Event()
        wake = callable_from_any_thread(woken.set)
        if self._flights.wait(effect.key, wake):
            try:
                with anyio.move_on_after(effect.at_most_seconds):
                    await woken.wait()
            finally:
                self._flights.stop_waiting(effect.key, wake)
        else:
            await anyio.sleep(poll_seconds(effect.at_most_seconds))
        return anyio.current_time() - started

    async def _claim(self, effect: Claim) -> bool:
        if not effect.local_only and await self._cache.take_lease(effect.key, ttl_seconds=effect.ttl_seconds) is None:
            return False
        return self._flights.claim(effect.key, effect.ttl_seconds)

    async def _detach(self, flow: Flow[R], lease: Lease | None, leases: list[Lease]) -> R:
        kept: list[Lease] = []
        if lease is not None:
            leases.remove(lease)
            kept.append(lease)
        if not is_asyncio():
            with anyio.CancelScope(shield=True):
                return await self._run(flow, kept)
        # A shielded scope does not stop asyncio's own task.cancel(); a task of its own does.
        task = asyncio.create_task(self._run(flow, kept))
        self._tasks.add(task)  # The loop keeps weak references only.
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait((task,))  # Unlike asyncio.shield it leaves no second future whose failure nobody reads.
        except asyncio.CancelledError:
            task.add_done_callback(tell_failure)
            raise
        return task.result()

    async def _call(self, effect: PostForm | GetDocument) -> HttpReply:
        try:
            with anyio.fail_after(self._timeout_seconds):
                async with self._client().stream(**request_parts(effect)) as response:
                    reader = BodyReader(response)
                    async for chunk in response.aiter_raw():
                        reader.add(chunk)
                    return read_reply(response, reader.body())
        except (httpx.HTTPError, TimeoutError) as error:
            raise unreachable(error) from None

    def _client(self) -> httpx.AsyncClient:
        client = self._clients.get(None)
        if client is None:
            client = httpx.AsyncClient(**self._client_options)
            self._clients.set(client)
        return client


def tell_failure(task: asyncio.Task[Any]) -> None:
    """Write down how a task failed for which nobody waits any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOGGER.warning("what a request left behind when it went away failed: %s", type(error).__name__)


def is_asyncio() -> bool:
    """Return whether asyncio runs this task, and not trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def callable_from_any_thread(callback: Callable[[], object]) -> Callable[[], object]:
    """Return a callable that any thread may call to have ``callback`` run in this task's event loop."""
    if is_asyncio():
        loop = asyncio.get_running_loop()
        return lambda: loop.call_soon_threadsafe(callback)
    import trio.lowlevel  # noqa: PLC0415 (only where trio runs)

    token = trio.lowlevel.current_trio_token()
    return lambda: token.run_sync_soon(callback)
