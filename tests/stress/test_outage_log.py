"""What the log says of an outage: that the store is the cause, and what is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.providers.redis_server import RedisServer, full, killed, other_password
from tests.stress.outage_kit import TOKEN_SECONDS, Case, opened_cases, together, until_back
from tests.stress.test_outage_sqlite import disk_full, locked


def warnings_of(cases: list[Case], fault: AbstractContextManager[object], log: pytest.LogCaptureFixture) -> str:
    """Let people come in an outage and once more after it; return the warnings that were logged."""
    with log.at_level(logging.WARNING):
        with fault:
            cases[0].here.clock.advance(TOKEN_SECONDS + 1)
            together(cases, Case.ask)
        until_back(cases)
        cases[0].here.clock.advance(TOKEN_SECONDS + 1)
        together(cases, lambda case: case.member.get("/"))
    return "\n".join(record.getMessage() for record in log.records)


@pytest.mark.redis
@pytest.mark.parametrize("mode", ["sealed", "reference"])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (killed, ("connection refused", "works again after ")),
        (other_password, ("it refuses the user and password in FOTOWEB_CACHE", "works again after ")),
        (full, ("its memory is full (maxmemory)", "works again after ")),
    ],
)
def test_redis(
    fault: Callable[[RedisServer], AbstractContextManager[None]],
    words: tuple[str, str],
    mode: str,
    redis_server: RedisServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line says what is wrong with Redis, another one that it is over."""
    with opened_cases(redis_server.url, tmp_path, modes=(mode,)) as cases:
        told = warnings_of(cases, fault(redis_server), caplog)
    assert [part in told for part in words] == [True, True], told


@pytest.mark.parametrize("mode", ["sealed", "reference"])
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (locked, "database is locked"),
        (lambda _path: disk_full(), "disk I/O error"),
    ],
    ids=["locked", "full"],
)
def test_sqlite(
    fault: Callable[[Path], AbstractContextManager[None]],
    cause: str,
    mode: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line says what is wrong, and with which file, another one that it is over."""
    path = tmp_path / "cache" / "sessions.db"
    path.parent.mkdir()
    with opened_cases(f"sqlite:///{path}", tmp_path, modes=(mode,)) as cases:
        told = warnings_of(cases, fault(path), caplog)
    assert [part in told for part in (cause, str(path), "works again after ")] == [True, True, True], told
