"""A process of its own in which 20,000 sessions are refreshed once each, and which tells what that left behind.

``python -m tests.attacks.refreshing asgi`` prints what ``Refreshed`` holds, as JSON. FotoWeb is a function, and the
sessions' cookies are sealed here: it is about what the middleware keeps of many sessions, and not about logins.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import tracemalloc
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings, drivers
from fotoweb_middleware.cookies.content import write_record
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.model import SessionRecord, TokenSet
from fotoweb_middleware.testing import FakeClock
from tests.attacks.browser import SESSION
from tests.attacks.flooding import Answers, log_as_deployed, resident_bytes, run_asgi, run_wsgi
from tests.behaviour.doors import EchoApp
from tests.behaviour.kit import CALLBACK, FOTOWEB, SECRET_KEY
from tests.providers.uncovered import run_uncovered

__all__ = ["SESSIONS", "Refreshed", "refresh_all"]

SESSIONS = 20_000
CACHE_SIZE = 500
"""Memory is full of sessions before the first one counts, so what is kept of those in use is no growth."""

TRACED_SESSIONS = 1_000
TOKEN_SECONDS = 600
LEASE_SECONDS = 60
DRIVERS = str(Path(drivers.__file__).parent / "*")
MOST_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What is left once every session was refreshed and every lease has ended.

    Attributes:
        statuses: How often each was answered.
        refreshes: How often FotoWeb was asked for new tokens.
        flights: How many keys somebody in the process still holds or waits for.
        leases: How many leases the cache still has.
        growth_bytes: By how much the process grew while they were refreshed.
        traced_bytes: What the drivers keep of each of 1,000 other sessions, as tracemalloc sees it; the
            locks and flights of all 1,000 would be there.
    """

    statuses: dict[str, int]
    refreshes: int
    flights: int
    leases: int
    growth_bytes: int
    traced_bytes: float


def refresh_all(door: str) -> Refreshed:
    """Run a process that refreshes all; return what is left."""
    return Refreshed(**json.loads(run_uncovered("-m", "tests.attacks.refreshing", door, timeout_seconds=MOST_SECONDS)))


class Scene:
    """A site with many sessions at a FotoWeb that gives everybody new tokens, and the clock of both."""

    def __init__(self, door: str) -> None:
        self.clock = FakeClock()
        self.refreshes = 0
        self._numbers = itertools.count()
        settings = Settings(
            url=FOTOWEB,
            client_id="refreshed",
            client_secret="a-secret-of-the-refreshed-app",
            secret_key=SECRET_KEY,
            redirect_uri=CALLBACK,
            cache="memory://",
            cache_size=CACHE_SIZE,
        )
        given: dict[str, Any] = {"transport": httpx.MockTransport(self._grant), "clock": self.clock}
        self._runner = asyncio.Runner()
        self._middleware: Any
        if door == "wsgi":
            self._middleware = FotoWebWSGIMiddleware(EchoApp().wsgi, settings, **given, monotonic=self.clock)
        else:
            self._middleware = FotoWebASGIMiddleware(EchoApp().asgi, settings, **given, monotonic=self.clock)

    def _grant(self, _request: httpx.Request) -> httpx.Response:
        self.refreshes += 1
        number = next(self._numbers)
        tokens = {"access_token": f"new-{number}-{'a' * 100}", "refresh_token": f"newer-{number}-{'r' * 40}"}
        body = json.dumps({**tokens, "token_type": "bearer", "expires_in": TOKEN_SECONDS}).encode()
        return httpx.Response(200, headers={"Content-Type": "application/json"}, stream=httpx.ByteStream(body))

    def sealed(self, count: int) -> list[tuple[str, str]]:
        """Return requests of so many sessions that began just now."""
        now, site = self.clock(), self._middleware._gate.site
        requests = []
        for number in itertools.islice(self._numbers, count):
            tokens = TokenSet(f"old-{number}-{'a' * 100}", f"older-{number}-{'r' * 40}", now, now + TOKEN_SECONDS)
            record = SessionRecord(f"session-{number}-{'s' * 30}", 1, tokens, now, now, None)
            value = site.sealer.seal(write_record(record), Purpose.SESSION, name=SESSION)
            requests.append(("/", f"{SESSION}={value}"))
        return requests

    def send(self, requests: list[tuple[str, str]]) -> Answers:
        """Send them one after another."""
        answers = Answers(len(requests))
        if isinstance(self._middleware, FotoWebWSGIMiddleware):
            run_wsgi(self._middleware, iter(requests), answers)
        else:
            self._runner.run(run_asgi(self._middleware, iter(requests), answers))
        return answers

    @property
    def flights(self) -> int:
        """How many keys somebody holds or waits for."""
        flights = self._middleware._driver._flights
        return len(flights._wakes) + len(flights._are_gone)

    @property
    def leases(self) -> int:
        """How many leases the cache has."""
        cache = self._middleware._driver._cache
        memory = getattr(cache, "inner", cache)
        memory.take_lease("another", ttl_seconds=0)  # What has ended goes as others come.
        return len(memory._leases)


def main(door: str) -> None:
    """Refresh everything, and print what is left."""
    log_as_deployed()
    scene = Scene(door)
    first, requests = scene.sealed(2 * CACHE_SIZE), scene.sealed(SESSIONS)
    scene.clock.advance(TOKEN_SECONDS + 1)
    scene.send(first)
    before, refreshes = resident_bytes(), scene.refreshes
    answers = scene.send(requests)
    growth, refreshes = resident_bytes() - before, scene.refreshes - refreshes
    scene.clock.advance(LEASE_SECONDS)
    left = Refreshed(dict(answers.statuses), refreshes, scene.flights, scene.leases, growth, traced_bytes(scene))
    sys.stdout.write(json.dumps(asdict(left)))


def traced_bytes(scene: Scene) -> float:
    """Refresh more sessions, and return what drivers and leases keep of each."""
    more = scene.sealed(TRACED_SESSIONS)
    scene.clock.advance(TOKEN_SECONDS + 1)
    tracemalloc.start()
    scene.send(more)
    scene.clock.advance(LEASE_SECONDS)
    taken = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(inclusive=True, filename_pattern=DRIVERS)])
    tracemalloc.stop()
    return sum(trace.size for trace in taken.traces) / TRACED_SESSIONS


if __name__ == "__main__":
    main(*sys.argv[1:])
