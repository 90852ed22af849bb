"""Two processes that share a real Redis: one refresh between them, and a logout that both honour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anyio.from_thread
import pytest

from tests.behaviour.kit import NAVIGATION, Opening, Visited, in_parallel
from tests.providers.redis_server import RedisServer

Pair = tuple[Visited, Visited]


@pytest.fixture
def pair(
    open_site: Callable[..., Visited], redis_server: RedisServer, portal: anyio.from_thread.BlockingPortal
) -> Iterator[Pair]:
    """Return the same app in two processes, as far as memory goes."""
    first = open_site(cache=redis_server.url, cache_recheck=0)
    second = open_site(cache=redis_server.url, cache_recheck=0, _fake=first.fake, _clock=first.clock)
    first.fake.switch(access_token_lifetime_seconds=300, refresh_reuse_revokes=True)
    yield first, second
    for site in (first, second):
        cache: Any = site.middleware._driver._cache
        if hasattr(cache, "aclose"):
            portal.call(cache.aclose)
        else:
            cache.close()


@pytest.mark.redis
def test_one_refresh_between_processes(pair: Pair) -> None:
    """Eight requests on an expired token, four in each process: one refresh, eight answers, and the session lives."""
    first, second = pair
    visitor = first.visitor()
    visitor.log_in()
    first.clock.advance(301)
    headers = [*NAVIGATION.items(), *visitor.jar.header("/")]

    replies = in_parallel(8, lambda number: pair[number % 2].door.request("GET", "/", headers))

    assert [reply.status for reply in replies] == [200] * 8
    assert len({reply.seen["token"] for reply in replies}) == 1
    assert first.refreshes == 1
    visitor.site = second
    assert visitor.get("/").status == 200


@pytest.mark.redis
def test_logout_elsewhere(pair: Pair) -> None:
    """A logout in one process is honoured in the other."""
    first, second = pair
    visitor = first.visitor()
    visitor.log_in()
    cookies = dict(visitor.jar.cookies)
    visitor.site = second
    assert visitor.get("/").status == 200
    visitor.send("POST", "/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})

    visitor.site, visitor.jar.cookies = first, cookies
    assert visitor.get("/").status == 401


def test_opening_is_lazy(opening: Opening) -> None:
    """A Redis that is down at start stops nothing: an anonymous request is answered as ever."""
    site = Opening(opening.door, opening.portal, opening.mode, changes={"cache": "redis://127.0.0.1:1"}).open()

    assert site.visitor().visit("/").status == 302
