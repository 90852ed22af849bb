"""Carries effects out for the ASGI door, on asyncio and on trio (anyio)."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.lowlevel

from fotoweb_middleware.caches.protocol import AsyncCache, Lease
from fotoweb_middleware.drivers.arrivals import LOOKS_IN_A_TURN, Arrivals
from fotoweb_middleware.drivers.awaited_calls import AwaitedCalls
from fotoweb_middleware.drivers.calling import ClientOptions
from fotoweb_middleware.drivers.failures import cache_failure, failure_of
from fotoweb_middleware.drivers.flights import Flights, poll_seconds
from fotoweb_middleware.drivers.loops import call_soon, callable_from_any_thread, is_asyncio, is_loop_gone, wake
from fotoweb_middleware.drivers.pace import STEPS_IN_A_TURN, PaceOfLoops, Rank
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
from fotoweb_middleware.errors import FotoWebMiddlewareError
from fotoweb_middleware.settings import Settings

if TYPE_CHECKING:
    import httpx

__all__ = ["AwaitingDriver"]

R = TypeVar("R")
LOGGER = logging.getLogger("fotoweb_middleware")


class AwaitingDriver:
    """Runs flows to their end in the calling task.

    Args:
        settings: For time-outs and TLS.
        cache: The server cache.
        transport: Where calls to FotoWeb go instead of the network; for tests.

    Attributes:
        arrivals: Counts the looks in this turn of the loop. Who finds no room there ``arrive``s first.
    """

    def __init__(
        self, settings: Settings, cache: AsyncCache, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._cache = cache
        self._flights = Flights()
        self._client_options = ClientOptions(settings, transport, may_do_without_httpx=True)
        self._calls = AwaitedCalls(self._client_options, settings.http_timeout)
        self.arrivals = Arrivals(call_soon)
        self._paces = PaceOfLoops(STEPS_IN_A_TURN)
        self._looks = PaceOfLoops(LOOKS_IN_A_TURN)
        self._under_way: set[Flow[Any]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def arrive(self) -> Awaitable[None]:
        """Wait for a turn of the loop that has room for one more look: one of the next, since this one has none."""
        return self._looks.here().queue(Rank.BEGINNING)

    async def run(self, flow: Flow[R]) -> R:
        """Carry out every effect of ``flow`` and return what it returns."""
        if len(self._under_way) >= STEPS_IN_A_TURN:  # Else it is no crowd, and goes on at once.
            await self._paces.here().keep(Rank.BEGINNING)
        self._under_way.add(flow)
        try:
            return await self._run(flow, [])
        finally:
            self._under_way.discard(flow)

    async def _run(self, flow: Flow[R], leases: list[Lease]) -> R:
        try:
            effect = next(flow)
            while True:
                try:
                    reply = await self._perform(effect, leases)
                except Exception as error:  # noqa: BLE001 (what is no failure of an effect is raised again)
                    effect = flow.throw(failure_of(effect, error))
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: R = stop.value
            return result
        finally:
            try:
                flow.close()
            finally:
                if leases:
                    await self._release_all(leases)

    def _perform(self, effect: Effect[Any], leases: list[Lease]) -> Awaitable[object]:
        """Begin to carry an effect out; no coroutine of its own stands on the stack of whoever waits."""
        match effect:
            case LoadRecord(key):
                return self._cache.load(key)
            case SaveRecord(key, value, version, ttl_seconds, create, lease):
                return self._cache.save(
                    key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease
                )
            case BuryRecord(key, ttl_seconds):
                return self._cache.bury(key, ttl_seconds=ttl_seconds)
            case TakeLease():
                return self._take_lease(effect, leases)
            case AwaitLease():
                return self._await_lease(effect)
            case Claim():
                return self._claim(effect)
            case PostForm() | GetDocument():
                return self._call(effect)
            case Detach(flow, lease):
                return self._detach(flow, lease, leases)
            case _:
                raise TypeError(effect)

    async def _take_lease(self, effect: TakeLease, leases: list[Lease]) -> Lease | None:
        if not self._flights.begin(effect.key, is_loop_gone()):
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

    async def _release_all(self, leases: list[Lease]) -> None:
        try:
            await self._release(leases.pop())
        finally:
            if leases:  # One that fails keeps none of the others from its end.
                await self._release_all(leases)

    async def _release(self, lease: Lease) -> None:
        try:
            if lease.fence:
                with anyio.CancelScope(shield=True):  # Without it the release of a cancelled request never runs.
                    await self._cache.free_lease(lease)
        except Exception as error:  # noqa: BLE001 (it ends by itself, and the flow has its result)
            cache_failure(error)
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
        waited_seconds = anyio.current_time() - started
        await self._paces.here().keep(Rank.ANSWERED)  # All who wait for one session are woken in one moment.
        return waited_seconds

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
        task = Undisturbed(self._run(flow, kept), self._tasks)
        try:
            await task.ended
        except asyncio.CancelledError:
            task.add_done_callback(tell_failure)
            raise
        return task.result()

    @property
    def is_prepared(self) -> bool:
        """Whether a call to FotoWeb could begin at once."""
        return self._client_options.are_loaded

    async def prepare(self) -> None:
        """Load what calls to FotoWeb need, where it was not loaded before: about a tenth of a second, in a thread."""
        await self._calls.prepare()

    async def _call(self, effect: PostForm | GetDocument) -> HttpReply:
        await self.prepare()  # Before the pace is kept: all who wait for it go on in one moment.
        pace = self._paces.here()
        try:
            reply = await self._calls.call(effect, pace)
        except FotoWebMiddlewareError:
            await pace.keep(Rank.ANSWERED)  # Where FotoWeb is gone all calls fail in one moment.
            raise
        await pace.keep(Rank.ANSWERED)
        return reply


class Undisturbed(asyncio.Task[R]):
    """A task that the end of its loop does not cut either, as trio's would not: the loop waits for it.

    Else a server that gives up its last requests would lose what FotoWeb is about to answer. The wait is short:
    every effect has its time-out.

    Args:
        coroutine: What it does.
        running: Holds it while it runs: the loop keeps weak references only.

    Attributes:
        ended: Has a result, None, once the task has ended in whatever way. Who waits for it waits for no second future
            whose failure nobody reads, as with ``asyncio.shield``, and with a few objects, unlike ``asyncio.wait``.
    """

    __slots__ = ("_running", "ended")

    def __init__(self, coroutine: Coroutine[Any, Any, R], running: set[asyncio.Task[Any]]) -> None:
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        super().__init__(coroutine, loop=loop, context=context)
        self.ended: asyncio.Future[None] = loop.create_future()
        self._running = running
        running.add(self)
        self.add_done_callback(Undisturbed._end, context=context)

    def _end(self) -> None:
        self._running.discard(self)
        wake(self.ended)

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel it, as time-outs do; not where the loop has stopped and clears away what is left.

        Nor before its first step: it would never run then, and so never free the leases that it was handed.
        """
        coroutine = self.get_coro()
        is_begun = not inspect.iscoroutine(coroutine) or inspect.getcoroutinestate(coroutine) != inspect.CORO_CREATED
        return is_begun and self.get_loop().is_running() and super().cancel(msg)


def tell_failure(task: asyncio.Task[Any]) -> None:
    """Write down how a task failed for which nobody waits any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOGGER.warning("what a request left behind when it went away failed: %s", type(error).__name__)
