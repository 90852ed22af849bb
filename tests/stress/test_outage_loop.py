"""A store that hangs never holds up the event loop: other requests are answered meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.from_thread
import pytest

from tests.behaviour.kit import Visited
from tests.providers.redis_server import RedisServer, frozen
from tests.stress.outage_kit import TOKEN_SECONDS, Case, opened_cases
from tests.stress.test_outage_sqlite import locked

LONGEST_GAP_SECONDS = 0.3
"""A call on a store that hangs lasts half a second or more; on a busy machine the loop may be late by itself."""

TRIALS = 6
BEAT_SECONDS = 0.01


@dataclass
class Heart:
    """A task that beats in an event loop, and notes its longest pause."""

    longest_gap_seconds: float = 0.0
    is_over: bool = False

    async def beat(self) -> None:
        """Beat until it is over."""
        last = time.monotonic()
        while not self.is_over:
            await anyio.sleep(BEAT_SECONDS)
            now = time.monotonic()
            self.longest_gap_seconds = max(self.longest_gap_seconds, now - last)
            last = now


@contextlib.contextmanager
def beating(portal: anyio.from_thread.BlockingPortal) -> Iterator[Heart]:
    """Let a heart beat in the portal's loop."""
    heart = Heart()
    task = portal.start_task_soon(heart.beat)
    try:
        yield heart
    finally:
        heart.is_over = True
        task.result()


def longest_gap(site: Visited, ask: Callable[[], object]) -> float:
    """Return the loop's longest pause, and the slowest public request, while ``ask`` runs in a few threads."""
    slowest = 0.0
    with beating(site.adapter.portal) as heart, ThreadPoolExecutor(4) as pool:  # type: ignore[attr-defined]
        asked = [pool.submit(ask) for _ in range(4)]
        while not all(call.done() for call in asked):
            started = time.monotonic()
            assert site.visitor().get("/health").status == 200
            slowest = max(slowest, time.monotonic() - started)
            threading.Event().wait(BEAT_SECONDS)
        for call in asked:
            call.result()
    return max(slowest, heart.longest_gap_seconds)


def check(case: Case, fault: AbstractContextManager[None]) -> float:
    """Return the best of a few trials with a token that has expired; each takes as long as the store's time-outs."""
    site = case.here
    with fault:
        gaps = []
        for _ in range(TRIALS):
            site.clock.advance(TOKEN_SECONDS + 1)
            started = time.monotonic()
            gap = longest_gap(site, case.ask)
            if time.monotonic() - started <= LONGEST_GAP_SECONDS:
                time.sleep(1)  # A store that has just hung is not asked for a moment.
                continue
            gaps.append(gap)
            if gap < LONGEST_GAP_SECONDS:
                break
        assert gaps, "the cache did not hang"
    return min(gaps)


@pytest.mark.redis
@pytest.mark.parametrize("mode", ["sealed", "reference"])
def test_redis_hangs(mode: str, redis_server: RedisServer, tmp_path: Path) -> None:
    """Redis takes connections and answers nothing (R-RL4)."""
    with opened_cases(redis_server.url, tmp_path, modes=(mode,), public_paths=("/health",)) as cases:
        assert check(cases[0], frozen(redis_server)) < LONGEST_GAP_SECONDS


@pytest.mark.parametrize("mode", ["sealed", "reference"])
def test_sqlite_locked(mode: str, tmp_path: Path) -> None:
    """The file is locked by another process."""
    path = tmp_path / "sessions.db"
    with opened_cases(f"sqlite:///{path}", tmp_path, modes=(mode,), public_paths=("/health",)) as cases:
        assert check(cases[0], locked(path)) < LONGEST_GAP_SECONDS
