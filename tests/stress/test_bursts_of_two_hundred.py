"""200 requests at once on one token that has expired, over four processes; FotoWeb ends a login on a replayed token."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from tests.providers.redis_server import RedisServer
from tests.servers.sites import wait_until
from tests.stress.people import at_once
from tests.stress.scenes import LONG_SECONDS, TOKEN_SECONDS, crowd, served
from tests.stress.witness import check_invariants
from tests.stress.workers import Workers

Kind = Literal["gunicorn", "uvicorn"]

KINDS: tuple[Kind, ...] = ("gunicorn", "uvicorn")
AT_ONCE = 200
WORKERS = 4


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.redis)])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return ``FOTOWEB_CACHE`` for a store that processes share."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return server.url
    return f"sqlite:///{tmp_path}/sessions.db"


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_at_once(kind: Kind, cache: str) -> None:
    """All 200 get one and the same new token, FotoWeb is asked once, and the session lives on (T-CX-02)."""
    with (
        Workers(kind, WORKERS) as workers,
        served(workers, cache=cache, refresh_leeway=0) as fotoweb,
        crowd(1) as [person],
    ):
        fotoweb.switch(auto_login=person.name, refresh_reuse_revokes=True, access_token_lifetime_seconds=TOKEN_SECONDS)
        wait_until(person.go(workers.url).json()["expires_at"])
        fotoweb.switch(access_token_lifetime_seconds=LONG_SECONDS)
        before = len(fotoweb.posts)
        answers = at_once([partial(person.fetch, f"{workers.url}/burst?n={number}") for number in range(AT_ONCE)])

        assert {answer.status_code for answer in answers} == {200}, {answer.text for answer in answers}
        assert len({answer.json()["token"] for answer in answers}) == 1
        assert len({answer.json()["pid"] for answer in answers}) > 1
        assert len(fotoweb.posts) - before == 1
        assert person.fetch(f"{workers.url}/after").status_code == 200
        check_invariants(fotoweb, [person])
