"""Bounds for waits in asyncio that do not take a busy event loop for a silent Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

__all__ = ["AT_MOST_TIMES", "within"]

SLICES = 10
"""Into how many parts the time is cut."""

AT_MOST_TIMES = 4
"""How much longer a wait may last by the clock than by its slices."""


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Bound what is awaited inside, counting only time in which the event loop was there for it.

    ``asyncio.timeout`` ends a wait whose answer has come and could not be read yet, because the event loop was busy
    with something else. Here the time runs in slices, and a slice that the loop came back late from counts as one;
    by the clock it is four times as long at most, and whatever the last slice was late.

    Raises:
        TimeoutError: It took too long.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + AT_MOST_TIMES * seconds
    slices_left = SLICES
    alarm: asyncio.TimerHandle

    def ring() -> None:
        nonlocal alarm, slices_left
        slices_left -= 1
        if slices_left and loop.time() < ends_at:
            alarm = loop.call_later(seconds / SLICES, ring)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        alarm = loop.call_later(seconds / SLICES, ring)
        try:
            yield
        finally:
            alarm.cancel()
