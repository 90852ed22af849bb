"""What asyncio and trio each have a way of their own for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio

__all__ = [
    "Waiter",
    "call_soon",
    "callable_from_any_thread",
    "is_asyncio",
    "is_loop_gone",
    "new_waiter",
    "wait",
    "wake",
]

Waiter: TypeAlias = "asyncio.Future[None] | anyio.Event"
"""What one task waits for. On asyncio it is a future: an event is six objects more, for the garbage collector to go
through as often as it does, and of a crowd a thousand wait."""


def is_asyncio() -> bool:
    """Return whether asyncio runs this task, and not trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def is_loop_gone() -> Callable[[], bool]:
    """Return a callable that tells, in any thread, whether this task's event loop was closed under the task."""
    return asyncio.get_running_loop().is_closed if is_asyncio() else lambda: False  # trio ends with its tasks only.


def call_soon(callback: Callable[[], object]) -> None:
    """Have ``callback`` run in the next turn of this event loop, where there is one."""
    if is_asyncio():
        asyncio.get_running_loop().call_soon(callback)
        return
    import trio.lowlevel  # noqa: PLC0415 (only where trio runs)

    # Trio runs what was due when it ends, and would take an error there for one of its own. No turn comes any more.
    with contextlib.suppress(trio.RunFinishedError):
        trio.lowlevel.current_trio_token().run_sync_soon(callback)


def callable_from_any_thread(callback: Callable[[], object]) -> Callable[[], object]:
    """Return a callable that any thread may call to have ``callback`` run in this task's event loop."""
    if is_asyncio():
        loop = asyncio.get_running_loop()
        return lambda: loop.call_soon_threadsafe(callback)
    import trio.lowlevel  # noqa: PLC0415 (only where trio runs)

    token = trio.lowlevel.current_trio_token()
    return lambda: token.run_sync_soon(callback)


def new_waiter() -> Waiter:
    """Return what a task of this event loop may wait for."""
    try:
        return asyncio.get_running_loop().create_future()
    except RuntimeError:  # As ``is_asyncio``, in one step: of a crowd a thousand come here in one moment.
        return anyio.Event()


def wait(waiter: Waiter) -> Awaitable[None]:
    """Wait until somebody wakes."""
    return waiter if isinstance(waiter, asyncio.Future) else waiter.wait()


def wake(waiter: Waiter) -> None:
    """Let go on who waits, in the same event loop; one that was cancelled meanwhile does not notice."""
    if isinstance(waiter, anyio.Event):
        waiter.set()
    elif not waiter.done():
        waiter.set_result(None)
