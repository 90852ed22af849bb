"""The store is away when the app starts: the app starts all the same, and finds it as soon as it is there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.providers.redis_server import RedisServer
from tests.stress.outage_kit import RECOVERY_SECONDS, Case, opened_cases, together, until_back

HOLD_ALL = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("BEGIN EXCLUSIVE")
connection.execute("CREATE TABLE anything (number)")
print("held", flush=True)
sys.stdin.read()
"""
"""Such a lock keeps readers out too."""


def try_to_log_in(case: Case) -> tuple[str, int]:
    """Go to FotoWeb and come back; return the callback's path and its status. A session is used once."""
    callback = case.member.approve(case.member.visit("/").location)
    status = case.member.visit(callback).status
    if status == 302:
        assert case.member.get("/").status == 200
        case.cookies = dict(case.member.jar.cookies)
    else:
        assert not case.here.fake.token_requests, f"{case}: the code is spent"
    return callback, status


def go_on(case: Case, tried: dict[str, tuple[str, int]]) -> int:
    """Ask for the same callback again, until it is not refused; return the status of a request with the session."""
    callback, status = tried[str(case)]
    ends_at = time.monotonic() + RECOVERY_SECONDS
    while status == 503 and time.monotonic() < ends_at:
        time.sleep(0.1)
        case.here.clock.advance(0.1)
        status = case.member.visit(callback).status
        case.cookies = dict(case.member.jar.cookies)
    return case.member.get("/").status


def check(cases: list[Case], tried: dict[str, tuple[str, int]]) -> None:
    """Sealed mode let people in; reference mode said 503 without spending the code. Now everybody gets in."""
    statuses = {str(case): tried[str(case)][1] for case in cases}
    assert statuses == {str(case): 302 if case.mode == "sealed" else 503 for case in cases}
    assert set(together(cases, lambda case: go_on(case, tried)).values()) == {200}
    until_back(cases)
    assert {case.logins for case in cases} == {1}


@pytest.mark.redis
def test_redis(redis_server: RedisServer, tmp_path: Path) -> None:
    """Redis is started after the app: logins work in sealed mode, and wait in reference mode (T-CX-12)."""
    redis_server.stop()
    with opened_cases(redis_server.url, tmp_path, logged_in=False) as cases:
        tried = together(cases, try_to_log_in)
        redis_server.start()
        check(cases, tried)


def test_sqlite(tmp_path: Path) -> None:
    """The file is locked by another process when the app starts, also for readers (T-CX-14)."""
    path = tmp_path / "sessions.db"
    command = [sys.executable, "-I", "-S", "-c", HOLD_ALL, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with opened_cases(f"sqlite:///{path}", tmp_path, logged_in=False) as cases:
            tried = together(cases, try_to_log_in)
            holder.communicate()
            cases[0].here.clock.advance(1.2)  # The app's clock tells how long a lock that was waited for counts.
            check(cases, tried)
