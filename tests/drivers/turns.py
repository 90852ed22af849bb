"""Counts the turns of an event loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Self

import anyio

from fotoweb_middleware.drivers.loops import call_soon

__all__ = ["Turns", "together"]


class Turns:
    """Counts the turns of the event loop, and how often something happened in each.

    Attributes:
        counts: How often, for each turn in which it happened.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self._number = 0
        self._is_over = False

    def __enter__(self) -> Self:
        """Begin to count."""
        self._next()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._is_over = True

    def _next(self) -> None:
        self._number += 1
        if not self._is_over:
            call_soon(self._next)

    def note(self, *_: object) -> None:
        """Note that it happened in this turn."""
        self.counts[self._number] += 1

    def are_at_most(self, most: int) -> bool:
        """Return whether so many at most went on in each turn.

        Of two turns, since those that are let go on and those that find room may meet; and trio runs the tasks of a
        turn in any order, so that a third may come to it.
        """
        return max(self.counts.values()) <= most * 3


async def together(*steps: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Begin all in one moment and wait for all."""
    async with anyio.create_task_group() as tasks:
        for step in steps:
            tasks.start_soon(step)
