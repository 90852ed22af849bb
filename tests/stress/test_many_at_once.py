"""What anonymous users and a session that hangs cost, in whole numbers: both middlewares, without a server."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.attacks.answers import silent
from tests.attacks.in_process import open_site
from tests.attacks.oracles import BUSY_SECONDS
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.behaviour.kit import opened_portal
from tests.stress.flooding import CALLBACKS, NAVIGATIONS, flood

BOTH_ADAPTERS = pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
COOKIE_MODES = {"asgi": "sealed", "wsgi": "reference"}
MEGABYTE = 1024 * 1024
AT_ONCE = 500
HANGING_SECONDS = 5
"""The logins must end within it too, also on a machine that stands still for a moment."""
MOST_SECONDS = 270
"""For a machine on which much else runs; a flood takes 20 seconds of one processor."""


@pytest.mark.timeout(MOST_SECONDS)
@BOTH_ADAPTERS
def test_anonymous_users_leave_nothing_behind(adapter: str, tmp_path: Path) -> None:
    """100,000 navigations without cookies, 100,000 with garbage, 10,000 bad callbacks: nothing is kept (T-RL-01)."""
    floods = flood(adapter, COOKIE_MODES[adapter], tmp_path)

    answered = {name: left.statuses for name, left in floods.items()}
    anonymous = {"302": NAVIGATIONS}
    assert answered == {"no cookies": anonymous, "garbage": anonymous, "callbacks": {"400": CALLBACKS}}
    assert (NAVIGATIONS, CALLBACKS) == (100_000, 10_000)
    for left in floods.values():
        assert (left.rows, left.app_calls) == (0, 0)
        assert left.growth_bytes < 10 * MEGABYTE
        assert left.slowest_ms < 5


@BOTH_ADAPTERS
def test_others_go_on_while_fotoweb_hangs(adapter: str, fotoweb: ScriptedFotoWeb) -> None:
    """While 500 requests of one session wait for a FotoWeb that hangs, others are served as ever (T-RL-05)."""
    with opened_portal("asyncio") as portal, ThreadPoolExecutor(AT_ONCE) as threads:
        site = open_site(adapter, portal, fotoweb, http_timeout=HANGING_SECONDS)
        hung, other = site.visitor(fotoweb.new_user()), site.visitor(fotoweb.new_user())
        hung.log_in()
        site.clock.advance(3601)
        other.log_in()
        fotoweb.script(hung.user_name, silent)

        began = time.monotonic()
        waiting = [threads.submit(hung.get, "/") for _ in range(AT_ONCE)]
        taken = []
        while not all(request.done() for request in waiting):
            asked = time.monotonic()
            assert other.get("/").status == 200
            taken.append(time.monotonic() - asked)
        ended = time.monotonic() - began
        site.close()

    assert {request.result().status for request in waiting} == {503}
    assert ended < 2 * HANGING_SECONDS + 1 + BUSY_SECONDS  # Whoever came last waited as long as the first.
    # Whoever had to wait for the call that hangs would take five seconds; 500 threads that start take a moment too.
    slowest = statistics.quantiles(taken, n=100)[-1]
    assert (statistics.median(taken) < HANGING_SECONDS / 20, slowest < HANGING_SECONDS * 0.75) == (True, True)
