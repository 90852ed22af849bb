"""A logout while the store is away: honoured here at once, and everywhere once the store is back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.behaviour.kit import NAVIGATION, Visitor
from tests.providers.redis_server import RedisServer, frozen, killed
from tests.stress.outage_kit import Case, opened_cases, together, until_back
from tests.stress.test_outage_sqlite import locked

CLICK = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}


def log_out(case: Case) -> tuple[int, int]:
    """Log out, and come back with the cookies of before; return both statuses."""
    status = case.member.send("POST", "/oauth2/logout", CLICK).status
    assert case.member.jar.names() == set(), f"{case}: a cookie was left"
    case.member.jar.cookies = dict(case.cookies)
    return status, case.member.get("/").status


def is_honoured_elsewhere(case: Case, neighbour: Visitor) -> bool:
    """Return whether the other process refuses the session too, after somebody else used this one."""
    neighbour.get("/")
    return case.twin().get("/").status == 401


def neighbour_of(case: Case) -> Visitor:
    """Return somebody else who is logged in."""
    neighbour = case.here.visitor("bob")
    neighbour.log_in()
    return neighbour


def check(cases: list[Case], fault: AbstractContextManager[object]) -> None:
    """Log everybody out during a fault; afterwards every process comes to know of it."""
    together(cases, lambda case: case.twin().get("/"))  # The other process knows the session too.
    neighbours = together(cases, neighbour_of)
    with fault:
        logged_out = together(cases, log_out)
    assert set(logged_out.values()) == {(200, 401)}
    until_back(cases, lambda case: is_honoured_elsewhere(case, neighbours[str(case)]))


@pytest.mark.redis
@pytest.mark.parametrize("fault", [killed, frozen])
def test_redis(
    fault: Callable[[RedisServer], AbstractContextManager[None]], redis_server: RedisServer, tmp_path: Path
) -> None:
    """Redis is killed, or hangs."""
    with opened_cases(redis_server.url, tmp_path) as cases:
        check(cases, fault(redis_server))


def test_sqlite(tmp_path: Path) -> None:
    """The file is locked by another process."""
    path = tmp_path / "cache" / "sessions.db"
    path.parent.mkdir()
    with opened_cases(f"sqlite:///{path}", tmp_path) as cases:
        check(cases, locked(path))
