"""Runs in moments in which the machine is ours: others share its cores, and for seconds everything takes twice as long.

What they do only ever makes a run dearer. So where a run can't be made of short turns of which the fastest counts
(``rounds``), those count that computed hardly longer than the one that computed least.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

__all__ = ["Timed", "in_quiet_moments"]

DEARER_AT_MOST = 1.1


class Timed(Protocol):
    """A run that knows how long it computed.

    Attributes:
        computing_seconds: Processor time.
    """

    computing_seconds: float


T = TypeVar("T", bound=Timed)


def in_quiet_moments(run: Callable[[], T], wanted: int, tries: tuple[int, int]) -> tuple[list[T], int]:
    """Run until there were enough quiet moments, and return the runs in those and how many there were in all.

    Args:
        run: Runs once.
        wanted: How many runs in quiet moments are enough.
        tries: How many runs there are at least and at most; at the most, those in quiet moments may be fewer.
    """
    least, most = tries
    runs: list[T] = []
    while len(runs) < least or (len(quiet(runs)) < wanted and len(runs) < most):
        runs.append(run())
    return quiet(runs)[:wanted], len(runs)


def quiet(runs: list[T]) -> list[T]:
    """Return the runs in quiet moments, those that computed least first."""
    limit = DEARER_AT_MOST * min(one.computing_seconds for one in runs)
    return sorted((one for one in runs if one.computing_seconds <= limit), key=lambda one: one.computing_seconds)
