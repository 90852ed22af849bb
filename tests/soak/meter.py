"""Memory and open files of a group of processes over time, the slope of both, and what is too steep."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["MOST_FILES_A_MINUTE", "MOST_KIB_A_MINUTE", "SHORTEST_SECONDS", "Meter", "judgement"]

WARM_UP_SHARE = 0.3
"""The first samples don't count: modules, pools and stores that fill to their bounds are no leak."""

SHORTEST_SECONDS = 600
"""A shorter run is not judged: it is warm-up for the most part, and a few megabytes to and fro make a slope of it."""

MOST_KIB_A_MINUTE = 512
"""50 people bring each group some 1,400 answers and 1,000 token requests a minute. What kept a session's record of
each, tokens included, would grow by more than twice as much. In ten minutes half of this is left of the warm-up: what
the allocator keeps for each of gunicorn's threads comes to its end slowly."""

MOST_FILES_A_MINUTE = 3
"""Each of the eleven things that go wrong happens to each group some 18 times a minute. A connection lost in one case
of six is found; what is open by chance when a sample is taken makes less of a slope."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured at one moment: monotonic seconds, bytes, files."""

    at: float
    resident_bytes: int
    files: int


@dataclass
class Meter:
    """Measures a group of processes again and again.

    Args:
        name: Of the group.
        pids: Returns its processes.
    """

    name: str
    pids: Callable[[], Iterable[int]]
    samples: list[Sample] = field(default_factory=list)

    def measure(self) -> None:
        """Take a sample."""
        pids = list(self.pids())
        resident, files = sum(map(resident_bytes, pids)), sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)  # noqa: PTH208 (counts, needs no paths)
        self.samples.append(Sample(time.monotonic(), resident, files))

    @property
    def counted(self) -> list[Sample]:
        """The samples after the warm-up."""
        return self.samples[int(len(self.samples) * WARM_UP_SHARE) :]

    @property
    def kib_a_minute(self) -> float:
        """By how much memory grows."""
        return self._slope(lambda sample: sample.resident_bytes / 1024)

    @property
    def files_a_minute(self) -> float:
        """By how much the number of open files grows."""
        return self._slope(lambda sample: sample.files)

    def _slope(self, value: Callable[[Sample], float]) -> float:
        counted = self.counted
        return slope([sample.at / 60 for sample in counted], [value(sample) for sample in counted])

    def told(self) -> str:
        """Return first and last values and the slopes as a line."""
        first, last = self.samples[0], self.samples[-1]
        return (
            f"{self.name}: RSS {first.resident_bytes / 1e6:.1f} -> {last.resident_bytes / 1e6:.1f} MB, "
            f"slope {self.kib_a_minute:+.1f} KiB a minute; files {first.files} -> {last.files}, "
            f"slope {self.files_a_minute:+.2f} a minute ({len(self.counted)} samples after the warm-up)"
        )

    def too_steep(self) -> list[str]:
        """Return what grows by more than it may."""
        grown = []
        if self.kib_a_minute > MOST_KIB_A_MINUTE:
            grown.append(f"{self.name}: memory grows by {self.kib_a_minute:.1f} KiB a minute")
        if self.files_a_minute > MOST_FILES_A_MINUTE:
            grown.append(f"{self.name}: open files grow by {self.files_a_minute:.2f} a minute")
        return grown


def judgement(meters: Iterable[Meter], seconds: float) -> tuple[str, list[str]]:
    """Return what the report says of the limits, and what is beyond them in a run of that length."""
    if seconds < SHORTEST_SECONDS:
        return f"memory and files are not judged: the run is shorter than {SHORTEST_SECONDS} s", []
    limits = f"at most {MOST_KIB_A_MINUTE} KiB and {MOST_FILES_A_MINUTE} files a minute for each group"
    return f"memory and files are judged: {limits}", [one for meter in meters for one in meter.too_steep()]


def slope(times: list[float], values: list[float]) -> float:
    """Return by how much values grow in one unit of time, by least squares."""
    return statistics.linear_regression(times, values).slope if len(times) > 1 else 0.0


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
