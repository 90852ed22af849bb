"""The worker that is refreshing a session is killed with SIGKILL, at three points and at any moment between them.

gunicorn shares the default store, uvicorn a Redis. ``TEST_SESSIONS_PER_KILL=1`` kills for each of the 51 sessions by
itself, which takes minutes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import httpx
import pytest

from tests.providers.redis_server import RedisServer
from tests.stress.people import Person, at_once
from tests.stress.scenes import Return, come_back, expired_crowd, served
from tests.stress.stop_points import Point, StopPoints
from tests.stress.witness import WatchedFotoWeb, check_invariants
from tests.stress.workers import Workers, wait_for

pytestmark = pytest.mark.redis
Kind = Literal["gunicorn", "uvicorn"]

KINDS: tuple[Kind, ...] = ("gunicorn", "uvicorn")
WORKERS = 3
PEOPLE = 51
SESSIONS_PER_KILL = int(os.environ.get("TEST_SESSIONS_PER_KILL", "17"))
TEST_SECONDS = 120 + 10 * PEOPLE // SESSIONS_PER_KILL
"""A worker that takes the place of a killed one needs its time to start."""

TIMEOUT_SECONDS = 5
"""A worker must be killed before its calls to FotoWeb have ended by themselves, also where the machine stands still."""
LOCK_SECONDS = 3 * TIMEOUT_SECONDS + 10
SLACK_SECONDS = 14
"""What a busy machine may add to any wait."""


@dataclass(frozen=True, slots=True)
class Scene:
    """App servers and a FotoWeb, and the sessions whose tokens have expired."""

    workers: Workers
    fotoweb: WatchedFotoWeb
    points: StopPoints
    people: list[Person]


@contextmanager
def scene(kind: Kind, redis: RedisServer, folder: Path, sessions: int) -> Iterator[Scene]:
    """Start everything."""
    points = StopPoints(folder / "points")
    adapter, cache = ("wsgi", "local://") if kind == "gunicorn" else ("asgi", redis.url)
    with (
        Workers(kind, WORKERS, target=f"tests.stress.stopping_app:{adapter}") as workers,
        served(
            workers, others=points.variables, cache=cache, http_timeout=TIMEOUT_SECONDS, refresh_leeway=0
        ) as fotoweb,
        expired_crowd(sessions, workers.url, fotoweb) as people,
    ):
        yield Scene(workers, fotoweb, points, people)


def kill_again_and_again(scene: Scene, point: Point | None) -> list[Return]:
    """Kill a worker in the middle of some refreshes, until all had their turn; then these people come back at once.

    Args:
        scene: Where.
        point: Where in the refresh; None: FotoWeb has the request and has not answered, and never will.
    """
    for first in range(0, len(scene.people), SESSIONS_PER_KILL):
        wait_for(lambda: bool(scene.workers.ready_pids()), "somebody to kill", 20)
        kill_in_the_middle(scene, scene.people[first : first + SESSIONS_PER_KILL], point)
    scene.workers.wait_until_complete()
    return at_once([partial(come_back, person, f"{scene.workers.url}/back") for person in scene.people])


def kill_in_the_middle(scene: Scene, people: list[Person], point: Point | None) -> None:
    """Let one worker begin the refreshes of these people's sessions, and kill it at that point."""
    workers, fotoweb = scene.workers, scene.fotoweb
    victim, sent_before, arrived_before = workers.ready_pids()[0], len(fotoweb.posts), fotoweb.arrived
    if point is None:
        fotoweb.close_gate(loses=True)
    else:
        scene.points.arm(point)

    def count() -> int:
        return fotoweb.arrived - arrived_before if point is None else scene.points.held(point).count(victim)

    with ThreadPoolExecutor(len(people)) as threads:
        with workers.only(victim):
            answers = [threads.submit(person.fetch, f"{workers.url}/cut") for person in people]
            wait_for(lambda: count() == len(people), "the refreshes to come to the point", 15)
        workers.kill_worker(victim)
        assert all(isinstance(answer.exception(), httpx.TransportError) for answer in answers), "somebody got an answer"
    fotoweb.note_deaths(sent_before)
    if point is None:
        fotoweb.open_gate()
    else:
        scene.points.disarm(point)


def assert_back_in_time(returns: list[Return]) -> None:
    """Everybody is back, and waited no longer than the dead worker's lock lasts."""
    assert {back.status for back in returns} == {200}
    assert max(back.longest_seconds for back in returns) < TIMEOUT_SECONDS + SLACK_SECONDS
    assert max(back.whole_seconds for back in returns) < LOCK_SECONDS + SLACK_SECONDS


@pytest.mark.timeout(TEST_SECONDS)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_before_fotoweb_answered(kind: Kind, redis_server: RedisServer, tmp_path: Path) -> None:
    """Nobody logs in again: another worker refreshes, once, when the lock has ended (R-TE15; T-CX-07)."""
    with scene(kind, redis_server, tmp_path, PEOPLE) as given:
        returns = kill_again_and_again(given, None)

        assert_back_in_time(returns)
        assert {person.logins for person in given.people} == {1}
        assert set(given.fotoweb.posts_per_refresh_token.values()) == {2}
        check_invariants(given.fotoweb, given.people)


@pytest.mark.timeout(TEST_SECONDS)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_after_fotoweb_answered(kind: Kind, redis_server: RedisServer, tmp_path: Path) -> None:
    """The only copy of the new token died with the worker: all log in once, cleanly, none is stuck (T-CX-06).

    Shows R-TE19.
    """
    with scene(kind, redis_server, tmp_path, PEOPLE) as given:
        returns = kill_again_and_again(given, "saving")

        assert_back_in_time(returns)
        assert {person.logins for person in given.people} == {2}
        check_invariants(given.fotoweb, given.people)


def kill_as_fotoweb_answers(scene: Scene, people: list[Person], seconds: float) -> None:
    """Let FotoWeb answer the refreshes of these people's sessions in one worker, and kill it so much later."""
    workers, fotoweb = scene.workers, scene.fotoweb
    victim, sent_before, arrived_before = workers.ready_pids()[0], len(fotoweb.posts), fotoweb.arrived
    fotoweb.close_gate()
    with ThreadPoolExecutor(len(people)) as threads:
        with workers.only(victim):
            for person in people:
                threads.submit(person.fetch, f"{workers.url}/cut")
            wait_for(lambda: fotoweb.arrived - arrived_before == len(people), "the refreshes to come to FotoWeb", 15)
        fotoweb.open_gate()
        time.sleep(seconds)  # Whatever the worker has come to by then is what the test is about.
        workers.kill_worker(victim)
    fotoweb.note_deaths(sent_before)


def said_of_files(folder: Path) -> set[str]:
    """Return what SQLite says of the files in a folder: "ok" of those that are whole."""
    said = set()
    for file in folder.rglob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            said |= {str(line) for (line,) in connection.execute("PRAGMA integrity_check")}
    return said


@pytest.mark.timeout(TEST_SECONDS)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment_after_fotoweb_answered(kind: Kind, redis_server: RedisServer, tmp_path: Path) -> None:
    """51 refreshes, killed 0 to 20 ms after FotoWeb answered: all go on or log in once, no file is hurt (T-CX-06)."""
    with scene(kind, redis_server, tmp_path, PEOPLE) as given:
        people = given.people
        moments = itertools.cycle((0.0, 0.01, 0.02))
        for first, seconds in zip(range(0, len(people), SESSIONS_PER_KILL), moments, strict=False):
            wait_for(lambda: bool(given.workers.ready_pids()), "somebody to kill", 20)
            kill_as_fotoweb_answers(given, people[first : first + SESSIONS_PER_KILL], seconds)
        given.workers.wait_until_complete()
        returns = at_once([partial(come_back, person, f"{given.workers.url}/back") for person in people])

        assert_back_in_time(returns)
        assert {person.logins for person in people} <= {1, 2}
        check_invariants(given.fotoweb, people)
        assert said_of_files(given.workers.folder) <= {"ok"}


@pytest.mark.parametrize("kind", KINDS)
def test_killed_after_the_result_was_written(kind: Kind, redis_server: RedisServer, tmp_path: Path) -> None:
    """Nobody logs in again, nobody refreshes again, and nobody waits for the lock: the result is there."""
    with scene(kind, redis_server, tmp_path, SESSIONS_PER_KILL) as given:
        returns = kill_again_and_again(given, "saved")

        assert_back_in_time(returns)
        assert {person.logins for person in given.people} == {1}
        assert set(given.fotoweb.posts_per_refresh_token.values()) == {1}
        assert {back.refused for back in returns} == {0}
        check_invariants(given.fotoweb, given.people)
