"""The store hangs for ten seconds and goes on, under real servers: nobody is signed out, and soon nobody waits.

What a Redis was asked meanwhile is carried out once it goes on, locks included that nobody waits for any more. Such a
lock lives longer than a token here, so whoever needs it next would wait in vain.
"""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.providers.redis_server import RedisServer, frozen
from tests.stress.people import Person
from tests.stress.scenes import crowd, served
from tests.stress.test_outage_sqlite import locked
from tests.stress.witness import WatchedFotoWeb
from tests.stress.workers import Workers

PEOPLE = 40
TOKEN_SECONDS = 30
HTTP_TIMEOUT_SECONDS = 10
SECONDS_BETWEEN_REQUESTS = 0.5
CALM_SECONDS = 20.0
"""With logins spread over the first half of it, tokens get stale all through the outage."""
HANGING_SECONDS = 10.0
AFTER_SECONDS = 45.0
"""Longer than a lock lives: three times ``FOTOWEB_HTTP_TIMEOUT`` and 5 s."""
RECOVERY_SECONDS = 10.0
"""What the contract grants."""
SLOWEST_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody got.

    Attributes:
        ended_at: When, in monotonic seconds.
        seconds: How long it took.
        status: Its HTTP status.
    """

    ended_at: float
    seconds: float
    status: int


class User(threading.Thread):
    """Somebody who asks twice a second.

    Attributes:
        answers: What came.
    """

    def __init__(self, person: Person, url: str, starts_after_seconds: float, over: threading.Event) -> None:
        super().__init__()
        self.answers: list[Answer] = []
        self._person = person
        self._url = url
        self._starts_after_seconds = starts_after_seconds
        self._over = over

    def run(self) -> None:
        """Log in, and ask until it is over."""
        self._over.wait(self._starts_after_seconds)
        self._person.go(self._url).json()
        wait_seconds = 0.0
        while not self._over.wait(wait_seconds):
            began = time.monotonic()
            status = self._person.fetch(f"{self._url}/page").status_code
            ended = time.monotonic()
            self.answers.append(Answer(ended, ended - began, status))
            wait_seconds = max(0.0, began + SECONDS_BETWEEN_REQUESTS - ended)


def live_through(
    fault: AbstractContextManager[None], workers: Workers, fotoweb: WatchedFotoWeb, people: list[Person]
) -> list[Answer]:
    """Let everybody use the app during the fault and after; return the answers, timed from the end of the fault."""
    fotoweb.switch(access_token_lifetime_seconds=TOKEN_SECONDS, auto_login="alice")
    over = threading.Event()
    users = [
        User(person, workers.url, CALM_SECONDS / 2 * number / len(people), over) for number, person in enumerate(people)
    ]
    for user in users:
        user.start()
    time.sleep(CALM_SECONDS)
    with fault:
        time.sleep(HANGING_SECONDS)
    back_at = time.monotonic()
    time.sleep(AFTER_SECONDS)
    over.set()
    for user in users:
        user.join()
    return [
        Answer(answer.ended_at - back_at, answer.seconds, answer.status) for user in users for answer in user.answers
    ]


def check(fault: AbstractContextManager[None], workers: Workers, cache: str, cookie_mode: str) -> None:
    """From ten seconds after the store's return on, every answer is the app's and comes soon; nobody is signed out."""
    settings: dict[str, Any] = {"cache": cache, "cookie_mode": cookie_mode, "http_timeout": HTTP_TIMEOUT_SECONDS}
    with workers, served(workers, **settings) as fotoweb, crowd(PEOPLE) as people:
        answers = live_through(fault, workers, fotoweb, people)

        late = [answer for answer in answers if answer.ended_at >= RECOVERY_SECONDS]
        assert [answer for answer in late if answer.status != 200 or answer.seconds > SLOWEST_SECONDS] == []
        assert {answer.status for answer in answers} <= {200, 503}
        assert [person.logins for person in people] == [1] * PEOPLE


@pytest.mark.redis
@pytest.mark.parametrize(
    ("kind", "processes", "mode"),
    [("uvicorn", 1, "sealed"), ("uvicorn", 2, "sealed"), ("gunicorn", 2, "sealed"), ("uvicorn", 2, "reference")],
)
def test_redis_hangs(
    kind: Literal["gunicorn", "uvicorn"], processes: int, mode: str, redis_server: RedisServer
) -> None:
    """Redis is stopped, and goes on."""
    check(frozen(redis_server), Workers(kind, processes), redis_server.url, mode)


def test_sqlite_file_is_held(tmp_path: Path) -> None:
    """Another process holds the file's write lock, and gives it up."""
    path = tmp_path / "sessions.db"
    check(locked(path), Workers("uvicorn", 2), f"sqlite:///{path}", "reference")
