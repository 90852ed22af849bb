"""Candidates beside each other: in turn, a few requests each, and of each the fastest turn counts.

Other programs on the same cores only ever make a turn slower, and all candidates have the same share of quiet moments.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.benchmarks.requests import receive, send, start_response

__all__ = ["Candidate", "Clock", "fastest_seconds"]

Clock: TypeAlias = Callable[[], float]
REQUESTS_IN_A_TURN = 50
"""Of the event loop, as many as a busy server may read in one; of a crowd most would have to wait. Whatever the turns
cost is the same for all candidates, and goes with the app alone."""


@dataclass(frozen=True)
class Candidate:
    """One thing to measure.

    Attributes:
        app: What is called.
        is_asgi: How.
        make: Returns the scopes or environs of one turn, new ones each time.
        ready: Done before each turn, untimed.
    """

    app: Any
    is_asgi: bool
    make: Callable[[], list[Any]]
    ready: Callable[[], object] = lambda: None

    def turn(self, clock: Clock = time.perf_counter) -> float:
        """Return how many seconds one request took, on the average of one turn."""
        self.ready()
        requests = self.make()
        gc.disable()
        try:
            if self.is_asgi:
                seconds = asyncio.get_event_loop().run_until_complete(asgi_turn(self.app, requests, clock))
            else:
                seconds = wsgi_turn(self.app, requests, clock)
        finally:
            gc.enable()
        return seconds / len(requests)


async def asgi_turn(app: Any, scopes: list[Any], clock: Clock) -> float:
    """Return how many seconds all requests took; a few come in each turn of the event loop."""
    began = clock()
    for number, scope in enumerate(scopes):
        if not number % REQUESTS_IN_A_TURN:
            await asyncio.sleep(0)
        await app(scope, receive, send)
    return clock() - began


def wsgi_turn(app: Any, environs: list[Any], clock: Clock) -> float:
    """Return how many seconds all requests took, read and closed as servers do."""
    began = clock()
    for environ in environs:
        body = app(environ, start_response)
        for _chunk in body:
            pass
        if hasattr(body, "close"):
            body.close()
    return clock() - began


def fastest_seconds(candidates: dict[str, Candidate], rounds: int) -> dict[str, float]:
    """Return what a request takes of each candidate, in seconds, in the fastest of its turns."""
    fastest = dict.fromkeys(candidates, float("inf"))
    for candidate in candidates.values():
        candidate.turn()  # The first one fills caches and compiles what is compiled late.
    for _ in range(rounds):
        for name, candidate in candidates.items():
            fastest[name] = min(fastest[name], candidate.turn())
    return fastest
