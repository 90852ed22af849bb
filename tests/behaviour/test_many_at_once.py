"""Many requests of one session at once, many sessions, and requests that are cancelled while they wait for a Redis.

The same in thousands: ``make stress`` and ``make soak``.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio.from_thread
import pytest

from tests.behaviour.adapters import AsgiAdapter
from tests.behaviour.kit import FETCH, NAVIGATION, Opening, Visited, in_parallel
from tests.behaviour.watched import SAVE_UNDER_LOCK
from tests.providers.redis_server import RedisServer, frozen

AT_ONCE = 50
SESSIONS = 20


def test_fifty_requests_on_an_expired_token(site: Visited) -> None:
    """Fifty requests on one expired token refresh it once, and somebody else is served meanwhile (T-CX-01)."""
    site.fake.switch(access_token_lifetime_seconds=300)
    member, other = site.visitor(), site.visitor("bob")
    member.log_in()
    site.clock.advance(301)
    other.log_in()
    statuses: list[int] = []
    site.store.before(SAVE_UNDER_LOCK, lambda: statuses.append(other.get("/").status))
    headers = [*NAVIGATION.items(), *member.jar.header("/")]

    replies = in_parallel(AT_ONCE, lambda _number: site.adapter.request("GET", "/", headers))

    assert [reply.status for reply in replies] == [200] * AT_ONCE
    assert len({reply.seen["token"] for reply in replies}) == 1
    assert (site.refreshes, statuses) == (1, [200])


def test_refreshes_leave_nothing_behind(site: Visited) -> None:
    """Once many sessions have been refreshed, no refresh is under way and no lock is held (T-RL-02)."""
    site.fake.switch(access_token_lifetime_seconds=300)
    visitors = [site.visitor() for _ in range(SESSIONS)]
    for visitor in visitors:
        visitor.log_in()
    site.clock.advance(301)

    assert [visitor.get("/").status for visitor in visitors] == [200] * SESSIONS
    assert site.refreshes == SESSIONS
    assert site.store.calls.count("acquire_lock") == site.store.calls.count("release_lock") == SESSIONS
    assert site.middleware._handler.refresher._in_flight == {}


@pytest.mark.redis
def test_cancelled_while_waiting_for_a_redis(
    portal: anyio.from_thread.BlockingPortal, empty_store: Callable[[str], str], redis_of_all: RedisServer
) -> None:
    """A request that is cancelled while it waits for a Redis leaves no answer for the next to find (T-CX-13)."""
    site = Opening("asgi", portal, "reference", {"cache_recheck": 0}, empty_store("redis")).open()
    adapter = site.adapter
    assert isinstance(adapter, AsgiAdapter)
    alice, bob = site.visitor("alice"), site.visitor("bob")
    tokens = []
    for visitor in (alice, bob):
        visitor.log_in()
        tokens.append(visitor.get("/").seen["token"])
    site.store.begin_again()
    both = [[*FETCH.items(), *visitor.jar.header("/")] for visitor in (alice, bob)]

    with frozen(redis_of_all):
        waiting = [
            portal.start_task_soon(adapter._request, "GET", "/", both[number % 2], b"") for number in range(AT_ONCE)
        ]
        assert site.store.wait_for("load", times=2)
        cancelled = [request.cancel() for request in waiting]

    assert cancelled == [True] * AT_ONCE
    for _ in range(3):
        assert [visitor.get("/").seen["token"] for visitor in (alice, bob)] == tokens
    site.close()
