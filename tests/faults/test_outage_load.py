"""Redis killed, emptied and hanging in the middle of load, under real servers with several workers each."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.caches.redis_kit import frozen, kill
from tests.faults.people import Person
from tests.faults.scenes import crowd, log_in, served
from tests.faults.witness import check_invariants
from tests.faults.workers import Workers, wait_for
from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.redis

PEOPLE = 4
REQUESTS_AT_ONCE = 2
THINKING_SECONDS = 0.03
TOKEN_SECONDS = 2
DOWN_SECONDS = 4.0
HANGING_SECONDS = 3.0
CALM_SECONDS = 1.0
SLOWEST_SECONDS = 1.0
"""What 99 of 100 requests must stay below while Redis is down."""
TICK_SECONDS = 0.02
NOTABLE_SECONDS = 0.3
"""A thread that sleeps for a tick wakes up sooner than this, unless the whole machine stands still."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request; times are monotonic seconds."""

    began: float
    seconds: float
    status: int


class Load:
    """People who click all the time; a context manager.

    Attributes:
        seen: Every request so far.
        standstills: When the machine stood still, from and to.
    """

    def __init__(self, people: Sequence[Person], url: str) -> None:
        self.seen: list[Seen] = []
        self.standstills: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._click, args=(person, url))
            for person in people
            for _ in range(REQUESTS_AT_ONCE)
        ]
        self._threads.append(threading.Thread(target=self._tick))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Let them click."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()

    def _click(self, person: Person, url: str) -> None:
        for number in itertools.count():
            began = time.monotonic()
            status = person.fetch(f"{url}/{number}").status_code
            self.seen.append(Seen(began, time.monotonic() - began, status))
            if self._over.wait(THINKING_SECONDS):
                return

    def _tick(self) -> None:
        """Note when the machine stands still: this process asks for next to nothing, and still gets no turn."""
        last = time.monotonic()
        while not self._over.wait(TICK_SECONDS):
            now = time.monotonic()
            if now - last > NOTABLE_SECONDS:
                self.standstills.append((last, now))
            last = now

    def _seconds(self, seen: Seen) -> float:
        """Return how long a request took while the machine did not stand still."""
        ended = seen.began + seen.seconds
        still = sum(max(min(ended, until) - max(seen.began, since), 0) for since, until in self.standstills)
        return seen.seconds - still

    def percentile(self, since: float, until: float) -> float:
        """Return what 99 of 100 requests that began in this time stayed below, in seconds."""
        times = sorted(self._seconds(seen) for seen in self.seen if since <= seen.began < until)
        assert len(times) > 50, f"too few requests to tell: {len(times)}"
        return times[int(len(times) * 0.99)]


def live_through(load: Load, redis: RedisServer, refreshes_since: Callable[[float], int]) -> tuple[float, float]:
    """Kill Redis, start it anew, let it hang; return when it was dead, from and to.

    It stays dead until as many tokens were refreshed as there are people: the machine may stand still most of the time.
    """
    with load.running():
        time.sleep(CALM_SECONDS)
        killed_at = time.monotonic()
        kill(redis)
        time.sleep(DOWN_SECONDS)
        wait_for(lambda: refreshes_since(killed_at) >= PEOPLE, "the tokens to expire while Redis is dead", 20)
        started_at = time.monotonic()
        redis.start()
        time.sleep(CALM_SECONDS)
        with frozen(redis):
            time.sleep(HANGING_SECONDS)
        time.sleep(CALM_SECONDS)
    return killed_at, started_at


@pytest.mark.parametrize(("kind", "count"), [("uvicorn", 3), ("gunicorn", 4)])
def test_load(kind: Literal["uvicorn", "gunicorn"], count: int, redis_server: RedisServer, tmp_path: Path) -> None:
    """Tokens expire all the while: every answer is 200, nobody is logged out, and hardly anybody waits."""
    server = Workers(kind, count, folder=tmp_path)
    with (
        server,
        served(server, cache=redis_server.url, refresh_leeway="0") as fotoweb,
        crowd(PEOPLE) as people,
    ):
        log_in(people, server.url, fotoweb)
        fotoweb.switch(access_token_lifetime_seconds=TOKEN_SECONDS, refresh_reuse_revokes=True)
        load = Load(people, server.url)
        since, until = live_through(
            load, redis_server, lambda moment: sum(post.began >= moment for post in fotoweb.posts)
        )
        assert {seen.status for seen in load.seen} == {200}
        assert load.percentile(since, until) < SLOWEST_SECONDS
        assert [person.logins for person in people] == [1] * PEOPLE
        check_invariants(fotoweb, people)
