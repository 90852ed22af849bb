"""Moments in which the machine is ours: others share its cores, and for seconds everything takes half as long again.

What they do only ever makes a run slower. So where a run can't be made of short turns of which the fastest counts
(``rounds``), it is told how fast the machine was before and after it, and those in quiet moments count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

__all__ = ["Timed", "arithmetic_seconds", "full_speed_seconds", "in_quiet_moments"]

PIECES = 12
ADDITIONS = 60_000
SLOWER_AT_MOST = 1.1
LOOKS, PAUSE_SECONDS = 40, 0.4


class Timed(Protocol):
    """A run that knows how fast the machine was.

    Attributes:
        arithmetic_seconds: What the same arithmetic took, the slower of before and after.
    """

    arithmetic_seconds: float


T = TypeVar("T", bound=Timed)


def arithmetic_seconds() -> float:
    """Return what always the same arithmetic takes just now, a few hundredths of a second."""
    began = time.perf_counter()
    for _ in range(PIECES):
        total = 0
        for number in range(ADDITIONS):
            total += number
    return time.perf_counter() - began


def full_speed_seconds() -> float:
    """Return what the arithmetic takes where nobody else computes: the fastest of many, some seconds apart."""
    fastest = arithmetic_seconds()
    for _ in range(LOOKS):
        time.sleep(PAUSE_SECONDS)
        fastest = min(fastest, arithmetic_seconds())
    return fastest


def in_quiet_moments(run: Callable[[], T], wanted: int, tries: int, full_speed: float) -> tuple[list[T], int]:
    """Run until there are enough runs at full speed, and return those and how many there were in all.

    Args:
        run: Runs once.
        wanted: How many runs are to be returned. Where too few were at full speed, the next best are among them.
        tries: How many there may be.
        full_speed: What the arithmetic takes then, in seconds.
    """
    runs: list[T] = []
    while len(runs) < tries and sum(one.arithmetic_seconds <= SLOWER_AT_MOST * full_speed for one in runs) < wanted:
        runs.append(run())
    return sorted(runs, key=lambda one: one.arithmetic_seconds)[:wanted], len(runs)
