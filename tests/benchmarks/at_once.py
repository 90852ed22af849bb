"""Many at once: 1,000 sessions whose tokens expire in one moment, and 1,000 requests of one such session; ``local://``.

FotoWeb takes 200 ms for each answer. ASGI; the longest computing of the event loop's thread in one of its turns is
measured by that thread's own processor time, so other programs on the machine don't count.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections import Counter
from typing import Any

from tests.benchmarks.sites import FotoWeb, Site, TurnedClock, ask, session_only

__all__ = ["measure"]

COUNT = 1_000
ANSWER_SECONDS = 0.2


class TurnMeter(selectors.DefaultSelector):
    """A selector that notes how long the loop computed between two of its looks.

    Attributes:
        longest_seconds: The longest so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest_seconds = 0.0
        self._looked_at = time.thread_time()

    def select(self, timeout: float | None = None) -> Any:
        """Look for events."""
        self.longest_seconds = max(self.longest_seconds, time.thread_time() - self._looked_at)
        found = super().select(timeout)
        self._looked_at = time.thread_time()
        return found


async def all_at_once(site: Site, cookies: list[str]) -> tuple[Counter[int], float]:
    """Send one request with each cookie, all in one moment, and return the statuses and the seconds."""
    began = time.perf_counter()
    answers = await asyncio.gather(*(ask(site.middleware, cookie) for cookie in cookies))
    return Counter(status for status, _ in answers), time.perf_counter() - began


def expire_at_once(sessions: int) -> tuple[Counter[int], float, float, int]:
    """Return the statuses, the seconds, the loop's longest turn, and how often the busiest refresh token came."""
    fotoweb, clock, meter = FotoWeb(), TurnedClock(), TurnMeter()
    site = Site("asgi", fotoweb, clock=clock)
    cookies = [session_only(site.log_in()) for _ in range(sessions)]
    clock.ahead_seconds += 3601
    fotoweb.pause = lambda: time.sleep(ANSWER_SECONDS)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(meter)) as runner:
        runner.run(asyncio.sleep(0))
        meter.longest_seconds = 0.0
        statuses, seconds = runner.run(all_at_once(site, cookies * (COUNT // sessions)))
    assert len(fotoweb.refreshes) == sessions
    return statuses, seconds, meter.longest_seconds, max(fotoweb.refreshes.values())


def measure() -> list[tuple[str, str, str]]:
    """Return a row for each figure."""
    rows = []
    for sessions, name, limit in (
        (COUNT, "1,000 sessions expire at once", "each 200, one call each, 10 s, 50 ms"),
        (1, "1,000 requests of one expired session", f"each 200, one call, {ANSWER_SECONDS + 0.3:.1f} s, 50 ms"),
    ):
        statuses, seconds, turn, calls = expire_at_once(sessions)
        told = f"{dict(statuses)}, at most {calls} calls each, {seconds:.2f} s, longest turn {turn * 1e3:.0f} ms"
        rows.append((name, told, limit))
    return rows
