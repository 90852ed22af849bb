"""FotoWeb takes calls and answers none for 20 seconds: what people with valid tokens notice, and what comes after.

40 people click all the time, half of whom have a token that has expired. ASGI in one event loop, WSGI in 8 threads.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks.sites import FotoWeb, Site, TurnedClock, ask, session_only

__all__ = ["measure"]

PEOPLE, SILENT_SECONDS, CALM_SECONDS, THREADS = 20, 20.0, 5.0, 8
THINKING_SECONDS = 0.02
EXPIRED_EVERY = 50
"""One request in fifty is of somebody whose token has expired: who was away for longer than it lives."""


class Silence:
    """A site whose FotoWeb is silent until it is let go.

    Args:
        kind: "asgi" or "wsgi".
    """

    def __init__(self, kind: str) -> None:
        self.fotoweb, self.clock, self.may_answer = FotoWeb(), TurnedClock(), threading.Event()
        self.site = Site(kind, self.fotoweb, clock=self.clock)
        expired = [session_only(self.site.log_in()) for _ in range(PEOPLE)]
        self.clock.ahead_seconds += 1801
        self.fotoweb.token_seconds = 7200
        self.valid = [session_only(self.site.log_in()) for _ in range(PEOPLE)]
        self.clock.ahead_seconds += 1801
        self.expired = expired
        self.fotoweb.pause = lambda: self.may_answer.wait(60)

    def signed_out(self) -> int:
        """Return how many are signed out in the end."""
        self.may_answer.set()
        time.sleep(2)
        self.clock.ahead_seconds += 10
        return sum(self.site.send(cookie)[0] not in {200, 503} for cookie in [*self.valid, *self.expired])


def p99(seconds: list[float]) -> float:
    """Return what 99 of 100 stay below."""
    return sorted(seconds)[int(len(seconds) * 0.99)]


async def click(silence: Silence, cookies: list[str], until: float, seconds: list[float]) -> None:
    """Ask again and again."""
    for cookie in itertools.cycle(cookies):
        if time.monotonic() > until:
            return
        began = time.perf_counter()
        await ask(silence.site.middleware, cookie)
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(THINKING_SECONDS)


async def asgi_phase(silence: Silence, *, is_silent: bool) -> list[float]:
    """Return the seconds of the requests with valid tokens."""
    until = time.monotonic() + (SILENT_SECONDS if is_silent else CALM_SECONDS)
    seconds: list[float] = []
    valid = [click(silence, silence.valid, until, seconds) for _ in range(4)]
    expired = [click(silence, silence.expired, until, []) for _ in range(PEOPLE if is_silent else 0)]
    await asyncio.gather(*valid, *expired)
    return seconds


def wsgi_phase(silence: Silence, *, is_silent: bool) -> list[float]:
    """Return the seconds of the requests with valid tokens, waiting for one of the server's threads included."""
    until = time.monotonic() + (SILENT_SECONDS if is_silent else CALM_SECONDS)
    seconds: list[float] = []

    def serve(cookie: str, came_at: float) -> None:
        silence.site.send(cookie)
        if cookie in silence.valid:
            seconds.append(time.perf_counter() - came_at)

    with ThreadPoolExecutor(THREADS) as threads:
        for number in itertools.count():
            if time.monotonic() > until:
                break
            is_expired = is_silent and not number % EXPIRED_EVERY
            people = silence.expired if is_expired else silence.valid
            threads.submit(
                serve, people[number // EXPIRED_EVERY % PEOPLE if is_expired else number % PEOPLE], time.perf_counter()
            )
            time.sleep(THINKING_SECONDS / 4)
    return seconds


def measure() -> list[tuple[str, str, str]]:
    """Return a row for each middleware."""
    rows = []
    for kind in ("asgi", "wsgi"):
        silence = Silence(kind)
        if kind == "asgi":
            calm, silent = (silence.site.run(asgi_phase(silence, is_silent=each)) for each in (False, True))
        else:
            calm, silent = (wsgi_phase(silence, is_silent=each) for each in (False, True))
        told = f"p99 {p99(silent) * 1e3:.2f} ms, before {p99(calm) * 1e3:.2f} ms; {silence.signed_out()} signed out"
        rows.append((f"{kind.upper()}, FotoWeb silent for {SILENT_SECONDS:.0f} s", told, "within 1.2 of before, 0"))
    return rows
