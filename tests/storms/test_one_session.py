"""1,000 requests of one session on an expired token in one process, FotoWeb taking 200 ms.

``pytest -n0 -s tests/storms`` prints the figures that stand in docs/reference/caches.md; there without coverage, which
makes a storm half as long again.

Half a second is promised to a process that has a core to itself: what follows FotoWeb's answer is computing alone, a
thousand requests one after another, and other programs on the same cores make it longer. So the storm is sent up to
five times and the best counts, without what its computing took longer, by how crowded the machine was right before
and after. Waiting is never taken off. All else must hold in every storm.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.providers.redis_server import RedisServer
from tests.storms.kit import Figures, crowding, storm_asgi, storm_wsgi

REQUESTS = 1000
MOST_STORMS = 5
Storm = Callable[[str], Figures]


@pytest.fixture(params=["asgi", "wsgi"])
def storm(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storm:
    """Return what sends the requests through a door, with a given cache."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def send(cache: str) -> Figures:
        before = crowding()
        if request.param == "wsgi":
            figures = storm_wsgi(cache, REQUESTS)
        else:
            with start_blocking_portal("asyncio") as portal:
                figures = storm_asgi(portal, cache, REQUESTS)
        figures.crowding = (before + crowding()) / 2
        sys.stdout.write(f"\n{request.param} {cache.partition('//')[0]}//: {figures}\n")
        return figures

    return send


def check(storm: Storm, cache: str) -> None:
    """One call to FotoWeb, everybody answered within half a second of it, and others served meanwhile."""
    told = []
    for _ in range(MOST_STORMS):
        figures = storm(cache)
        assert figures.statuses == Counter({200: REQUESTS})
        assert figures.token_calls == 1
        assert len(figures.other_seconds) > 10
        if figures.uncrowded_seconds < 0.5 and figures.other_median_seconds < 0.05:
            return
        told.append(str(figures))
    pytest.fail("\n".join(told))


@pytest.mark.parametrize("cache", ["memory://", "local://"])
def test_thousand_requests_of_one_session(storm: Storm, cache: str) -> None:
    """One token call; all are answered within 500 ms of its answer, and another session goes on (T-CX-01)."""
    check(storm, cache)


@pytest.mark.redis
def test_thousand_requests_of_one_session_with_redis(storm: Storm, redis_server: RedisServer) -> None:
    """The same with a Redis."""
    check(storm, redis_server.url)
