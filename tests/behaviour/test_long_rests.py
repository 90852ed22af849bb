"""A Redis forgets how many locks a session had, after a day or when it is emptied: refreshes are kept all the same.

An entry under a higher fence is not written over (ADR 0005); so a count that begins again must not begin below it.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio.from_thread
import pytest

from tests.behaviour.kit import Opening, Visited, Visitor
from tests.behaviour.watched import SAVE_UNDER_LOCK
from tests.providers.redis_server import admin, turn_clock

pytestmark = pytest.mark.redis
HOUR = 3600
FRIDAY_TO_MONDAY = 60 * HOUR


@pytest.fixture
def site(
    adapter: str, mode: str, portal: anyio.from_thread.BlockingPortal, empty_store: Callable[[str], str]
) -> Visited:
    """Return a site whose sessions last two weeks, over an empty Redis; FotoWeb ends a grant for a replay."""
    site = Opening(adapter, portal, mode, {"session_lifetime": 14 * 24 * HOUR}, empty_store("redis")).open()
    site.fake.switch(access_token_lifetime_seconds=HOUR, refresh_reuse_revokes=True)
    return site


def later(site: Visited, seconds: float) -> None:
    """Let time pass, for the Redis too."""
    site.clock.advance(seconds)
    turn_clock(site.settings.cache)(seconds)


def refreshed(site: Visited, times: int) -> Visitor:
    """Return somebody whose token was renewed so often."""
    visitor = site.visitor()
    visitor.log_in()
    for _ in range(times):
        later(site, HOUR + 1)
        assert visitor.get("/").status == 200
    return visitor


@pytest.mark.parametrize("refreshes", [1, 2, 3])
def test_refresh_after_days_of_rest(site: Visited, refreshes: int) -> None:
    """After a weekend the app gets a token that was just renewed, and the session goes on (R-TE11)."""
    visitor = refreshed(site, refreshes)
    later(site, FRIDAY_TO_MONDAY)

    monday = visitor.get("/").seen
    later(site, 6)

    assert monday["expires_at"] > site.clock()
    assert visitor.get("/").status == 200
    assert max(site.fake.posts_per_refresh_token.values()) == 1
    site.close()


def test_redis_emptied_during_a_refresh(site: Visited, mode: str) -> None:
    """In sealed mode the new tokens are kept though lock and count are lost; else the session is gone (R-CS13)."""
    visitor = refreshed(site, 2)

    def empty() -> None:
        with admin(site.settings.cache) as client:
            client.flushall()

    site.store.before(SAVE_UNDER_LOCK, empty)
    statuses = []
    for seconds in (HOUR + 1, HOUR + 1, 6):
        later(site, seconds)
        statuses.append(visitor.get("/").status)

    assert statuses == ([200] * 3 if mode == "sealed" else [401] * 3)
    assert max(site.fake.posts_per_refresh_token.values()) == 1
    site.close()
