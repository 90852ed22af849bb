"""The app's processes are restarted: what each store keeps of the sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.redis_server import RedisServer
from tests.stress.outage_kit import ADAPTERS, opened_cases, together


def after_a_restart(cache: str, folder: Path) -> dict[str, int]:
    """Log people in at one process; return the statuses that a process gives them which knows nothing yet."""
    with opened_cases(cache, folder) as cases:
        return together(cases, lambda case: case.twin().get("/").status)


def promised(reference: int) -> dict[str, int]:
    """Sealed mode goes on from the cookie; in reference mode the store decides."""
    return {
        f"{adapter}, {mode}": status
        for adapter in ADAPTERS
        for mode, status in (("sealed", 200), ("reference", reference))
    }


def test_memory(tmp_path: Path) -> None:
    """``memory://`` goes with the process, and in reference mode the sessions with it."""
    assert after_a_restart("memory://", tmp_path) == promised(401)


def test_local(tmp_path: Path) -> None:
    """``local://`` is a file that stays."""
    assert after_a_restart("local://", tmp_path) == promised(200)


def test_sqlite(tmp_path: Path) -> None:
    """So is ``sqlite://``."""
    assert after_a_restart(f"sqlite:///{tmp_path}/sessions.db", tmp_path) == promised(200)


@pytest.mark.redis
def test_redis(redis_server: RedisServer, tmp_path: Path) -> None:
    """Redis stays where it is."""
    assert after_a_restart(redis_server.url, tmp_path) == promised(200)
