"""How much of an address a login remembers: as much as leaves room for several tabs in one Cookie header."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import NAVIGATION, Visited, Visitor

MAX_COOKIE_BYTES = 6144
MAX_PATH_CHARACTERS = 500


def cookie_bytes(visitor: Visitor) -> int:
    """Return how long the Cookie header of this browser is."""
    ((_, header),) = visitor.jar.header("/")
    return len(header)


@pytest.mark.parametrize("characters", [500, 2000])
def test_tabs_that_are_opened_together(site: Visited, visitor: Visitor, characters: int) -> None:
    """Four tabs opened before any got its cookie: all of them fit into 6 KiB, and each login can be finished.

    More than that, and servers refuse every request with 431 until the cookies end (gunicorn: 8 KB for one header).
    """
    targets = [f"/{number}?{'x' * (characters - len('/0?'))}" for number in range(4)]

    replies = [site.adapter.request("GET", target, [*NAVIGATION.items()]) for target in targets]
    for reply in replies:
        visitor.jar.take(reply)

    assert len(visitor.jar.names()) == 4
    assert cookie_bytes(visitor) <= MAX_COOKIE_BYTES
    arrived = [visitor.visit(visitor.approve(reply.location)).location for reply in replies]
    assert arrived == (targets if characters <= MAX_PATH_CHARACTERS else ["/"] * 4)


@pytest.mark.parametrize("begin", [str, "/oauth2/login?next={}".format], ids=["page", "next"])
def test_longest_address(visitor: Visitor, begin: Callable[[str], str]) -> None:
    """An address of 500 characters is remembered, a longer one leads to the front page."""
    longest = "/" + "a" * (MAX_PATH_CHARACTERS - 1)

    assert visitor.log_in(begin(longest)).location == longest
    visitor.jar.cookies.clear()
    assert visitor.log_in(begin(f"{longest}a")).location == "/"
