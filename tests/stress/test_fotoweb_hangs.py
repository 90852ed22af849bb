"""FotoWeb takes calls and answers none for 20 seconds, under real servers: who waits, and who stays signed in."""

from __future__ import annotations

import threading
import time
from typing import Literal

import pytest

from tests.stress.people import Person
from tests.stress.scenes import LONG_SECONDS, TOKEN_SECONDS, crowd, let_expire, log_in, served
from tests.stress.witness import WatchedFotoWeb, check_invariants
from tests.stress.workers import Workers

Kind = Literal["gunicorn", "uvicorn"]

PEOPLE = 20
SILENT_SECONDS = 19.0
"""Less than ``WatchedFotoWeb`` keeps anybody waiting."""
THINKING_SECONDS = 0.1
SLOWEST_SECONDS = 1.0
"""Nobody with a valid token waits for FotoWeb; a busy machine takes its time."""


def click(person: Person, url: str, over: threading.Event, seconds: list[float], statuses: list[int]) -> None:
    """Ask again and again, and note how long each answer took."""
    while not over.wait(THINKING_SECONDS):
        began = time.monotonic()
        statuses.append(person.fetch(f"{url}/page").status_code)
        seconds.append(time.monotonic() - began)


def hang(workers: Workers, fotoweb: WatchedFotoWeb, valid: list[Person], expired: list[Person]) -> list[float]:
    """Let FotoWeb be silent; return how long people with valid tokens waited."""
    over, seconds = threading.Event(), list[float]()
    statuses: list[int] = []
    threads = [
        threading.Thread(target=click, args=(person, workers.url, over, seconds, statuses)) for person in valid
    ] + [threading.Thread(target=click, args=(person, workers.url, over, [], [])) for person in expired]
    fotoweb.close_gate()
    for thread in threads:
        thread.start()
    time.sleep(SILENT_SECONDS)
    fotoweb.open_gate()
    over.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    return seconds


@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn"])
def test_fotoweb_hangs(kind: Kind) -> None:
    """People with valid tokens notice nothing, and in the end nobody has to log in again."""
    with (
        Workers(kind, 2) as workers,
        served(workers, refresh_leeway=0, http_timeout=10) as fotoweb,
        crowd(PEOPLE) as expired,
        crowd(PEOPLE) as valid,
    ):
        log_in(expired, workers.url, fotoweb)
        let_expire(fotoweb, expired)
        fotoweb.switch(access_token_lifetime_seconds=LONG_SECONDS, auto_login="alice")
        for person in valid:
            person.name = "alice"
            assert person.go(workers.url).json()["expires_at"] > time.time() + TOKEN_SECONDS
        fotoweb.switch(auto_login=None)

        seconds = sorted(hang(workers, fotoweb, valid, expired))
        time.sleep(3)  # The back-off of whoever was refused last.
        back = [person.fetch(f"{workers.url}/back").status_code for person in [*valid, *expired]]

        assert back == [200] * 2 * PEOPLE
        assert seconds[int(len(seconds) * 0.99)] < SLOWEST_SECONDS
        assert {person.logins for person in [*valid, *expired]} == {1}
        check_invariants(fotoweb, [*valid, *expired])
