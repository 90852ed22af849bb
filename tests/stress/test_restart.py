"""kill -9 of the master and all workers, and a new start: everybody is still logged in."""

from __future__ import annotations

from typing import Literal

import httpx
import pytest

from tests.providers.redis_server import RedisServer
from tests.stress.people import Person
from tests.stress.scenes import LONG_SECONDS, TOKEN_SECONDS, expired_crowd, let_expire, served
from tests.stress.witness import WatchedFotoWeb, check_invariants
from tests.stress.workers import Workers

Kind = Literal["gunicorn", "uvicorn"]

PEOPLE = 4


def fetch_all(workers: Workers, people: list[Person]) -> list[httpx.Response]:
    """Let everybody ask for a page."""
    return [person.fetch(f"{workers.url}/page") for person in people]


def check_restart(workers: Workers, fotoweb: WatchedFotoWeb, people: list[Person]) -> None:
    """Kill everything right after a refresh; then a cookie from before it is good, and so is the next refresh."""
    before_refresh = [person.cookies_issued[-1] for person in people]
    fotoweb.switch(access_token_lifetime_seconds=TOKEN_SECONDS)
    tokens = [answer.json()["token"] for answer in fetch_all(workers, people)]
    workers.kill_all()
    workers.start()
    old = [person.replay(f"{workers.url}/old", cookie) for person, cookie in zip(people, before_refresh, strict=True)]
    assert [answer.status_code for answer in old] == [200] * PEOPLE  # Browsers that never got the new cookie.
    let_expire(fotoweb, people)
    fotoweb.switch(access_token_lifetime_seconds=LONG_SECONDS)
    answers = fetch_all(workers, people)
    assert [answer.status_code for answer in answers] == [200] * PEOPLE
    assert {answer.json()["token"] for answer in answers}.isdisjoint(tokens)
    assert {person.logins for person in people} == {1}
    assert set(fotoweb.posts_per_refresh_token.values()) == {1}
    check_invariants(fotoweb, people)


@pytest.mark.parametrize(("kind", "mode"), [("gunicorn", "sealed"), ("uvicorn", "reference")])
def test_still_logged_in_with_the_default_cache(kind: Kind, mode: str) -> None:
    """With ``local://`` the file outlives the processes, and so does a refresh whose cookie never arrived."""
    with (
        Workers(kind, 2) as workers,
        served(workers, cookie_mode=mode, refresh_leeway=0) as fotoweb,
        expired_crowd(PEOPLE, workers.url, fotoweb) as people,
    ):
        check_restart(workers, fotoweb, people)


@pytest.mark.redis
@pytest.mark.parametrize(("kind", "mode"), [("uvicorn", "sealed"), ("gunicorn", "reference")])
def test_still_logged_in_with_redis(kind: Kind, mode: str, redis_server: RedisServer) -> None:
    """The same with Redis."""
    with (
        Workers(kind, 2) as workers,
        served(workers, cache=redis_server.url, cookie_mode=mode, refresh_leeway=0) as fotoweb,
        expired_crowd(PEOPLE, workers.url, fotoweb) as people,
    ):
        check_restart(workers, fotoweb, people)
