"""A logout on one worker ends the session on all: no cookie of it, however old, is worth anything a moment later."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest

from tests.stress.people import Person
from tests.stress.scenes import LONG_SECONDS, TOKEN_SECONDS, crowd, let_expire, log_in, served
from tests.stress.witness import WatchedFotoWeb, check_invariants
from tests.stress.workers import Workers, wait_for

Kind = Literal["gunicorn", "uvicorn"]

KINDS: tuple[Kind, ...] = ("gunicorn", "uvicorn")
RECHECK_SECONDS = 1
REFRESHES = 2


def age_and_refresh(workers: Workers, fotoweb: WatchedFotoWeb, people: list[Person]) -> None:
    """Let everybody's session be refreshed a few times, so that each cookie has several versions."""
    for number in range(REFRESHES):
        let_expire(fotoweb, people)
        is_last = number == REFRESHES - 1
        fotoweb.switch(access_token_lifetime_seconds=LONG_SECONDS if is_last else TOKEN_SECONDS)
        assert [person.fetch(f"{workers.url}/age").status_code for person in people] == [200] * len(people)


def show_everywhere(workers: Workers, people: list[Person]) -> list[int]:
    """Send every cookie that these people ever had to every worker; return the statuses."""
    statuses = []
    for pid in workers.ready_pids():
        with workers.only(pid):
            statuses += [
                person.replay(f"{workers.url}/replay", cookie).status_code
                for person in people
                for cookie in person.cookies_issued
            ]
    return statuses


def log_out(workers: Workers, pid: int, person: Person) -> None:
    """Log somebody out by way of one worker."""
    with workers.only(pid):
        answer = person.fetch(f"{workers.url}/oauth2/logout", method="POST")
    assert answer.status_code in {200, 302}, answer.text


@pytest.mark.parametrize(("kind", "mode"), [("gunicorn", "sealed"), ("uvicorn", "sealed"), ("uvicorn", "reference")])
def test_every_cookie_ever_issued_is_refused(kind: Kind, mode: str) -> None:
    """Before the logout all of them work on all workers; after it, and the recheck time, none does on any (T-LO-01).

    Shows R-LO2.
    """
    with (
        Workers(kind, 3) as workers,
        served(workers, cache_recheck=RECHECK_SECONDS, cookie_mode=mode, refresh_leeway=0) as fotoweb,
        crowd(2) as people,
    ):
        log_in(people, workers.url, fotoweb)
        age_and_refresh(workers, fotoweb, people)
        assert set(show_everywhere(workers, people)) == {200}
        leaver, other = people
        log_out(workers, workers.ready_pids()[0], leaver)
        time.sleep(RECHECK_SECONDS)

        assert set(show_everywhere(workers, [leaver])) == {401}
        assert set(show_everywhere(workers, [other])) == {200}
        check_invariants(fotoweb, people)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refresh_in_flight_brings_nothing_back(kind: Kind) -> None:
    """Somebody logs out on one worker while FotoWeb is about to answer another one's refresh of that session.

    Shows R-LO2.
    """
    with (
        Workers(kind, 3) as workers,
        served(workers, cache_recheck=RECHECK_SECONDS, refresh_leeway=0) as fotoweb,
        crowd(1) as (leaver,),
        ThreadPoolExecutor(1) as thread,
    ):
        log_in([leaver], workers.url, fotoweb)
        let_expire(fotoweb, [leaver])
        fotoweb.forget_records()  # A login that took longer than its token lives was followed by a refresh.
        refresher, other, *_ = workers.ready_pids()
        fotoweb.close_gate()
        with workers.only(refresher):
            answer = thread.submit(leaver.fetch, f"{workers.url}/in-flight")
            wait_for(lambda: fotoweb.arrived == 1, "the refresh", 15)
        log_out(workers, other, leaver)
        fotoweb.open_gate()

        assert answer.result().status_code == 401
        time.sleep(RECHECK_SECONDS)
        assert leaver.cookies_issued
        assert set(show_everywhere(workers, [leaver])) == {401}
        assert fotoweb.refresh_count == 1
        check_invariants(fotoweb, [leaver])
