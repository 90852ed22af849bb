"""The app's wall clock jumps by an hour, or by ten years: sessions and leases survive, and no session is immortal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Cache, Lease
from fotoweb_middleware.testing.cache_contract import BlockingFace
from tests.behaviour.kit import FETCH, AsgiDoor, Visited, in_parallel
from tests.caches.sqlite_kit import let_all_be_patient
from tests.faults.outage_kit import TOKEN_SECONDS, Case, opened_cases, together
from tests.providers.redis_server import RedisServer

HOUR = 3600
TEN_YEARS = 10 * 365 * 24 * HOUR
AT_ONCE = 6
HTTP_TIMEOUT_SECONDS = 10.0
"""Two dozen requests refresh at once, on a machine that may be busy or stand still."""
SHARED = ["sqlite", pytest.param("redis", marks=pytest.mark.redis)]


@pytest.fixture(params=["memory", *SHARED])
def cache(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return ``FOTOWEB_CACHE`` for a cache of each kind."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return server.url
    let_all_be_patient(monkeypatch)  # A machine that stands still must not look like a file that is locked.
    return {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/sessions.db"}[request.param]


@pytest.fixture
def http_timeout(request: pytest.FixtureRequest) -> float:
    """Return how long refreshes are waited for; a test that waits for the end of that asks for less."""
    seconds: float = getattr(request, "param", HTTP_TIMEOUT_SECONDS)
    return seconds


@pytest.fixture
def cases(cache: str, http_timeout: float, tmp_path: Path) -> Iterator[list[Case]]:
    """Return the cases on that cache."""
    with opened_cases(cache, tmp_path, http_timeout=http_timeout) as opened:
        yield opened


def jump(case: Case, seconds: float) -> None:
    """Turn the wall clock of both processes; FotoWeb's stays right, and the monotonic one never jumps."""
    case.here.wall.wrong_by_seconds += seconds
    case.elsewhere.wall.wrong_by_seconds += seconds


def ask_often(case: Case) -> tuple[set[int], int]:
    """Fetch with the same cookies several times at once; return the statuses, and how many tokens they showed."""
    headers = case.member.jar.header("/")
    replies = in_parallel(AT_ONCE, lambda _: case.here.door.request("GET", "/", headers))
    case.member.get("/")  # Takes the newest cookie.
    return {reply.status for reply in replies}, len({reply.seen["token"] for reply in replies})


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["forward", "back"])
def test_jump(seconds: float, cases: list[Case]) -> None:
    """Forward or back, and right again later: the same session goes on, with one refresh for each jump (T-CX-15)."""
    seen = []
    for turn in (seconds, -seconds):
        for case in cases:
            jump(case, turn)
        seen.append(together(cases, ask_often))
        cases[0].here.clock.advance(20)
    assert [set(map(str, turn.values())) for turn in seen] == [{str(({200}, 1))}] * 2
    assert {case.logins for case in cases} == {1}
    assert {case.here.refreshes for case in cases} == {2}


def statuses(case: Case) -> set[int]:
    """Fetch with the same cookies several times at once; return the statuses."""
    headers = [*FETCH.items(), *case.member.jar.header("/")]
    return {reply.status for reply in in_parallel(AT_ONCE, lambda _: case.here.door.request("GET", "/", headers))}


def served_again(case: Case) -> set[int]:
    """Log in where that is asked for, and fetch several times at once; return the statuses."""
    if case.member.get("/").status == 401:
        case.member.log_in()
    return statuses(case)


def test_jump_of_ten_years(cases: list[Case]) -> None:
    """Ten years ahead no session is alive, and none is refreshed; back again a login at most is asked for (T-CX-15)."""
    for case in cases:
        jump(case, TEN_YEARS)
    ahead = together(cases, statuses)
    for case in cases:
        jump(case, -TEN_YEARS)
    back = together(cases, served_again)

    assert [set(map(str, turn.values())) for turn in (ahead, back)] == [{str({401})}, {str({200})}]
    assert {case.here.refreshes for case in cases} == {0}
    assert {case.logins for case in cases} <= {1, 2}


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["forward", "back"])
def test_lifetime_ends_after_a_jump(seconds: float, cases: list[Case]) -> None:
    """A session that lived through a jump ends at its time all the same, by the clock as it then is (T-CX-15)."""
    for case in cases:
        jump(case, seconds)
    before = together(cases, lambda case: case.member.get("/").status)
    cases[0].here.clock.advance(cases[0].here.settings.session_lifetime - seconds)
    after = together(cases, statuses)

    assert (set(before.values()), set(map(str, after.values()))) == ({200}, {str({401})})


def cache_of(site: Visited) -> Cache:
    """Return a process's own cache, to be called from here."""
    cache: Any = site.middleware._driver._cache
    return BlockingFace(cache, site.door.portal) if isinstance(site.door, AsgiDoor) else cache


def take_lease(case: Case) -> Lease:
    """Let the other process begin a refresh, and be slow."""
    gate = case.here.middleware._gate
    [session_id] = gate.site.near._by_id
    lease = cache_of(case.elsewhere).take_lease(gate.site.cache_key("session", session_id), ttl_seconds=600)
    assert lease is not None
    return lease


@pytest.mark.parametrize("http_timeout", [3.0], indirect=True)
@pytest.mark.parametrize("cache", SHARED, indirect=True)
@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["forward", "back"])
def test_jump_under_a_lease(seconds: float, cases: list[Case]) -> None:
    """A jump ends no lease: who refreshes goes on being the only one, and the others wait for it."""
    leases = together(cases, take_lease)
    cases[0].here.clock.advance(TOKEN_SECONDS + 1)
    for case in cases:
        jump(case, seconds)
    waited = together(cases, lambda case: case.member.get("/").status)
    refreshes = {case.here.refreshes for case in cases}
    together(cases, lambda case: cache_of(case.elsewhere).free_lease(leases[str(case)]))
    cases[0].here.clock.advance(10)
    assert (set(waited.values()), refreshes) == ({503}, {0})
    assert set(together(cases, lambda case: case.member.get("/").status).values()) == {200}
