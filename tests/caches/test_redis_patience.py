"""Bounds for waits in asyncio that do not take a busy event loop for a silent Redis."""

from __future__ import annotations

import asyncio
import time

import pytest

from fotoweb_middleware.caches.redis_patience import within

TRIES = 5
"""By the clock a wait is bounded too: a machine that stands still for longer than that lets a try go wrong."""


def wait(seconds: float, *, busy: tuple[float, ...] = (), until: float | None = None) -> float:
    """Wait under a bound, the event loop being blocked at times; return how long it took until TimeoutError or not."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        for start in busy:
            loop.call_later(start, time.sleep, seconds * 2)
        started = time.monotonic()
        answer = loop.create_future()
        if until is not None:
            loop.call_later(until, answer.set_result, None)
        try:
            async with within(seconds):
                await answer
        except TimeoutError:
            return time.monotonic() - started
        return 0.0

    return asyncio.run(main())


def test_answer_in_time() -> None:
    """What comes in time is let be."""
    assert wait(20, until=0.01) == 0


def test_bound() -> None:
    """What does not come ends in TimeoutError once the time is over."""
    assert 0.09 < wait(0.1) < 10


def test_answer_while_the_loop_was_busy() -> None:
    """What came while the loop was busy is taken, though the time was over."""
    assert any(wait(1, busy=(0.01,), until=0.05) == 0 for _ in range(TRIES))


def test_bound_of_a_loop_that_is_always_busy() -> None:
    """By the clock the wait is four times as long at most, and whatever the loop was late."""
    assert wait(0.1, busy=(0.01, 0.02, 0.03)) < 10


def test_nests() -> None:
    """The inner bound ends the inner wait alone."""

    async def main() -> str:
        async with within(20):
            try:
                async with within(0.02):
                    await asyncio.sleep(20)
            except TimeoutError:
                return "inner"
        return "outer"

    assert asyncio.run(main()) == "inner"


def test_cancelling_is_not_a_time_out() -> None:
    """A task that is cancelled inside ends as cancelled."""

    async def bounded() -> None:
        async with within(20):
            await asyncio.sleep(20)

    async def main() -> None:
        task = asyncio.create_task(bounded())
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
