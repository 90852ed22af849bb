"""A worker stands still in the middle of a refresh until its lock has ended and another one has refreshed.

It then goes on where it stood: it must neither overwrite what is newer nor send the old refresh token.
gunicorn shares the default store, uvicorn a Redis.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import httpx
import pytest

from tests.providers.redis_server import RedisServer
from tests.stress.people import Person, at_once
from tests.stress.scenes import come_back, expired_crowd, served
from tests.stress.stop_points import Point, StopPoints
from tests.stress.witness import WatchedFotoWeb, check_invariants
from tests.stress.workers import Workers, wait_for

pytestmark = pytest.mark.redis
Kind = Literal["gunicorn", "uvicorn"]

KINDS: tuple[Kind, ...] = ("gunicorn", "uvicorn")
PEOPLE = 6


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the late worker's requests ended with, after everybody had come back by way of another worker.

    Attributes:
        workers: The app servers.
        fotoweb: The FotoWeb.
        people: Whose sessions they were.
        late: What the late worker answered.
        posts_before: How many refreshes had come when it went on.
        tokens: Each person's token by then.
    """

    workers: Workers
    fotoweb: WatchedFotoWeb
    people: list[Person]
    late: list[httpx.Response]
    posts_before: int
    tokens: list[str]


@contextmanager
def stood_still_at(
    point: Point, kind: Kind, redis: RedisServer, folder: Path, *, rotate_every: int = 1
) -> Iterator[Aftermath]:
    """Let one worker stand still at a point for longer than its locks last, and go on after that."""
    points = StopPoints(folder / kind)
    adapter, cache = ("wsgi", "local://") if kind == "gunicorn" else ("asgi", redis.url)
    with (
        Workers(kind, 2, target=f"tests.stress.stopping_app:{adapter}") as workers,
        served(
            workers,
            others=points.variables,
            cache=cache,
            rotate_every=rotate_every,
            http_timeout=6,  # A busy machine may take two seconds for six calls at once, or stand still for three.
            refresh_leeway=0,
            cache_recheck=0,
        ) as fotoweb,
        expired_crowd(PEOPLE, workers.url, fotoweb) as people,
        ThreadPoolExecutor(PEOPLE) as threads,
    ):
        sleeper = workers.ready_pids()[0]
        answers: list[Future[httpx.Response]] = []
        points.arm(point)
        with workers.only(sleeper):
            answers += [threads.submit(person.fetch, f"{workers.url}/late") for person in people]
            wait_for(lambda: points.held(point).count(sleeper) == PEOPLE, "the refreshes to come to the point", 30)
            workers.stop_worker(sleeper)
        points.disarm(point)
        returns = at_once([partial(come_back, person, f"{workers.url}/back") for person in people])
        assert {back.status for back in returns} == {200}
        tokens = [person.tokens[-1] for person in people]
        posts_before = len(fotoweb.posts)
        workers.continue_worker(sleeper)
        yield Aftermath(workers, fotoweb, people, [answer.result() for answer in answers], posts_before, tokens)


def assert_newest_everywhere(given: Aftermath) -> None:
    """Each person has one and the same token on each worker: the one that the other worker got."""
    for pid in given.workers.ready_pids():
        with given.workers.only(pid):
            answers = [person.fetch(f"{given.workers.url}/after") for person in given.people]
        assert [answer.status_code for answer in answers] == [200] * PEOPLE
        assert [answer.json()["token"] for answer in answers] == given.tokens


def check_late_before_asking(point: Point, redis: RedisServer, folder: Path, kind: Kind) -> None:
    """The late worker does not send the old refresh token any more."""
    with stood_still_at(point, kind, redis, folder) as given:
        assert given.posts_before == PEOPLE
        assert len(given.fotoweb.posts) == PEOPLE
        assert {answer.status_code for answer in given.late} <= {200, 503}
        assert_newest_everywhere(given)
        assert {person.logins for person in given.people} == {1}
        check_invariants(given.fotoweb, given.people)


def check_late_with_an_answer(redis: RedisServer, folder: Path, kind: Kind) -> None:
    """The late worker's own result is not written over the newer one."""
    with stood_still_at("saving", kind, redis, folder, rotate_every=0) as given:
        assert len(given.fotoweb.posts) == given.posts_before == 2 * PEOPLE
        # Who waited for longer than ``http_timeout`` was told to come back; nobody got another token.
        assert {answer.status_code for answer in given.late} <= {200, 503}
        late = [answer.json()["token"] for answer in given.late if answer.status_code == 200]
        assert set(late) <= set(given.tokens)
        assert_newest_everywhere(given)
        assert {person.logins for person in given.people} == {1}
        check_invariants(given.fotoweb, given.people)


@pytest.mark.parametrize("point", ["leased", "asking"])
def test_late_before_fotoweb_was_asked(point: Point, redis_server: RedisServer, tmp_path: Path) -> None:
    """The old refresh token is not sent any more; under gunicorn and, at the same time, under uvicorn."""
    at_once([partial(check_late_before_asking, point, redis_server, tmp_path, kind) for kind in KINDS])


def test_late_with_an_answer_of_fotowebs(redis_server: RedisServer, tmp_path: Path) -> None:
    """The newer result stays, and the late worker uses it too. FotoWeb rotates nothing here: both got tokens."""
    at_once([partial(check_late_with_an_answer, redis_server, tmp_path, kind) for kind in KINDS])
