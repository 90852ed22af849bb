"""What belongs to one event loop, asyncio's or trio's: limits on threads, and who waits for what.

Requests that want the same look-up or the same refresh wait for it as tasks and hold no thread.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

R = TypeVar("R")
MAX_THREADS = 40
"""For look-ups in the store, and as many for logins that wait for FotoWeb."""


class Flight:
    """A piece of work that is under way in a thread, for all tasks that want its result.

    Attributes:
        ended: Set when it is over.
        result: A tuple of what it returned; None where the task that began it was cancelled, or it raised.
    """

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.result: tuple[Any] | None = None


class LoopState:
    """State of one event loop; ``loop_state()`` returns it.

    Attributes:
        store_limiter: For threads that ask the store.
        fotoweb_limiter: For threads that wait for FotoWeb, so that these can't take the others.
    """

    def __init__(self) -> None:
        self.store_limiter = anyio.CapacityLimiter(MAX_THREADS)
        self.fotoweb_limiter = anyio.CapacityLimiter(MAX_THREADS)
        self._flights: dict[Hashable, Flight] = {}
        self._events: dict[Future[Any], anyio.Event] = {}
        # Weakly: the table in which this lies must not keep its own loop.
        self._loop = weakref.ref(anyio.lowlevel.current_token().native_token)

    async def ask_store(self, key: Hashable, ask: Callable[[], R]) -> R:
        """Ask the store in a thread; of all tasks that ask with the same key at the same time one does."""
        while (flight := self._flights.get(key)) is not None:
            await flight.ended.wait()
            if flight.result is not None:
                result: R = flight.result[0]  # The key tells what is asked.
                return result
        flight = self._flights[key] = Flight()
        try:
            answer = await anyio.to_thread.run_sync(ask, limiter=self.store_limiter)
            flight.result = (answer,)
            return answer
        finally:
            del self._flights[key]
            flight.ended.set()

    async def wait(self, future: Future[R], timeout_seconds: float | None) -> R | None:
        """Wait as a task, which holds no thread, for what a thread works out; None where it took too long."""
        if not future.done():
            event = self._events.get(future)
            if event is None:
                event = self._events[future] = anyio.Event()
                future.add_done_callback(self._wake)  # One for all that wait: each wakes the loop.
            with anyio.move_on_after(timeout_seconds):
                await event.wait()
        return future.result() if future.done() else None

    def _wake(self, future: Future[Any]) -> None:
        """Hand the end of a future over to the loop, without waiting for it: it may have stopped."""
        loop = self._loop()  # asyncio's loop, or trio's token.
        schedule = getattr(loop, "call_soon_threadsafe", None) or getattr(loop, "run_sync_soon", None)
        if schedule is not None:
            with contextlib.suppress(RuntimeError):  # It is closed: nobody waits any more.
                schedule(self._end, future)

    def _end(self, future: Future[Any]) -> None:
        event = self._events.pop(future, None)
        if event is not None:
            event.set()


_loop_state: anyio.lowlevel.RunVar[LoopState] = anyio.lowlevel.RunVar("fotoweb_middleware")


def loop_state() -> LoopState:
    """Return what belongs to the event loop that is running."""
    state = _loop_state.get(None)
    if state is None:
        state = LoopState()
        _loop_state.set(state)
    return state
