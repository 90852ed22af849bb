"""Redis killed, emptied, hanging, read-only, full or locked with another password: what people get of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.redis_server import RedisServer, admin, frozen, full, kill, killed, other_password
from tests.stress.outage_kit import (
    NOTHING_SEEN,
    TOKEN_SECONDS,
    Case,
    Promise,
    as_ever,
    opened_cases,
    together,
    what_people_see,
)

pytestmark = pytest.mark.redis

OUT_OF_REACH = Promise(503, 503, 200)
EMPTIED = Promise(401, 401, 401)
GONE_AND_EMPTIED = Promise(503, 503, 401)
READABLE = Promise(200, 503, 200)


@contextlib.contextmanager
def emptied(server: RedisServer) -> Iterator[None]:
    """Kill it and start it again at once: it answers, and knows nothing."""
    kill(server)
    server.start()
    yield


@contextlib.contextmanager
def read_only(server: RedisServer) -> Iterator[None]:
    """Make it a replica, as a failover does to the old primary; later a primary again."""
    with admin(server.url) as client:
        client.replicaof("127.0.0.1", "1")
        yield
        client.replicaof("NO", "ONE")


@contextlib.contextmanager
def connections_killed(server: RedisServer) -> Iterator[None]:
    """End every connection but our own, once."""
    with admin(server.url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
        yield


def test_killed(redis_server: RedisServer, tmp_path: Path) -> None:
    """Killed, and started again empty: reference mode waits, then asks for a login (T-CX-12)."""
    with opened_cases(redis_server.url, tmp_path) as cases:
        assert what_people_see(cases, killed(redis_server)) == as_ever(GONE_AND_EMPTIED)


def test_emptied(redis_server: RedisServer, tmp_path: Path) -> None:
    """Started again so quickly that nobody noticed: sealed mode knows everything itself, reference mode nothing."""
    with opened_cases(redis_server.url, tmp_path) as cases:
        assert what_people_see(cases, emptied(redis_server)) == as_ever(EMPTIED)


def test_hanging(redis_server: RedisServer, tmp_path: Path) -> None:
    """Taking connections and answering nothing: reference mode waits for it, and keeps its sessions (T-CX-12)."""
    with opened_cases(redis_server.url, tmp_path) as cases:
        assert what_people_see(cases, frozen(redis_server)) == as_ever(OUT_OF_REACH)


def test_read_only(redis_server: RedisServer, tmp_path: Path) -> None:
    """Read-only: reference mode goes on while the token is valid; it refreshes nothing it can't keep (T-CX-12)."""
    with opened_cases(redis_server.url, tmp_path) as cases:
        assert what_people_see(cases, read_only(redis_server)) == as_ever(READABLE)


def test_full(redis_server: RedisServer, tmp_path: Path) -> None:
    """Out of memory: as read-only (T-CX-12)."""
    with opened_cases(redis_server.url, tmp_path) as cases:
        assert what_people_see(cases, full(redis_server)) == as_ever(READABLE)


def test_connections_killed(redis_server: RedisServer, tmp_path: Path) -> None:
    """All connections ended (CLIENT KILL): nobody sees anything, others are opened (T-CX-12)."""
    with opened_cases(redis_server.url, tmp_path) as cases:
        assert what_people_see(cases, connections_killed(redis_server)) == as_ever(NOTHING_SEEN)


def test_wrong_password(redis_server: RedisServer, tmp_path: Path) -> None:
    """Another password than ours: reference mode waits until ours is right again."""
    with opened_cases(redis_server.url, tmp_path) as cases:
        assert what_people_see(cases, other_password(redis_server)) == as_ever(OUT_OF_REACH)


def test_other_machine_takes_the_cookie(redis_server: RedisServer, tmp_path: Path) -> None:
    """While Redis is dead, what one machine refreshed reaches another in the browser's cookie (sealed mode)."""
    with opened_cases(redis_server.url, tmp_path, modes=("sealed",)) as cases, killed(redis_server):
        cases[0].here.clock.advance(TOKEN_SECONDS + 1)
        assert set(together(cases, Case.ask).values()) == {200}
        for case in cases:
            case.cookies = dict(case.member.jar.cookies)
        together(cases, lambda case: case.twin().get("/").seen)
        assert [case.here.refreshes for case in cases] == [1] * len(cases)
