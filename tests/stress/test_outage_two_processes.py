"""Two processes with the same expired token while Redis takes no writes, or is dead: the session survives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.redis_server import RedisServer
from tests.stress.outage_kit import TOKEN_SECONDS, Case, opened_cases, together, until_back
from tests.stress.test_outage_redis import read_only

pytestmark = pytest.mark.redis


def ask_in_both(case: Case) -> tuple[int, int]:
    """Fetch with the same cookie from one process, then from the other."""
    return case.member.get("/").status, case.twin().get("/").status


def test_reference_mode(redis_server: RedisServer, tmp_path: Path) -> None:
    """Read-only, reference mode: neither spends a refresh token whose answer it could not keep; later both go on."""
    with opened_cases(redis_server.url, tmp_path, modes=("reference",)) as cases:
        with read_only(redis_server):
            cases[0].here.clock.advance(TOKEN_SECONDS + 1)
            during = together(cases, ask_in_both)
        until_back(cases)
        after = together(cases, Case.aftermath)
    assert (set(during.values()), set(after.values())) == ({(503, 503)}, {200})
