"""Runs in moments in which the machine seems to be ours: others share its cores, and slow everything for seconds.

What they do only ever makes a run dearer. So where a run can't be made of short turns of which the fastest counts
(``rounds``), all those count that computed hardly longer than the one that computed least.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

__all__ = ["Computing", "in_quiet_moments", "quiet"]

DEARER_AT_MOST = 1.1


class Computing(Protocol):
    """A run that knows how long it computed.

    Attributes:
        computing_seconds: Processor time.
    """

    computing_seconds: float


T = TypeVar("T", bound=Computing)


def in_quiet_moments(run: Callable[[], T], wanted: int, tries: tuple[int, int]) -> list[T]:
    """Run until so many runs were in quiet moments, and return all runs, the others too.

    Args:
        run: Runs once.
        wanted: How many runs in quiet moments are enough.
        tries: How many runs there are at least, and at most: then those in quiet moments may be fewer than wanted.
    """
    least, most = tries
    runs: list[T] = []
    while len(runs) < least or (len(quiet(runs)) < wanted and len(runs) < most):
        runs.append(run())
    return runs


def quiet(runs: list[T]) -> list[T]:
    """Return those of the runs that computed at most a tenth longer than the one that computed least."""
    limit = DEARER_AT_MOST * min((one.computing_seconds for one in runs), default=0.0)
    return [one for one in runs if one.computing_seconds <= limit]
