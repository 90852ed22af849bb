"""Where a crowd fills a turn of the loop, the ASGI door tells at a glance who is new, and nobody known is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from fotoweb_middleware import FotoWebASGIMiddleware
from fotoweb_middleware.cookies.header import LONGEST_WHOLE
from fotoweb_middleware.cookies.seal import SIGNATURE_CHARACTERS
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.stages.shortcut import Shortcut
from tests.flows.conftest import World
from tests.flows.test_shortcut import EVERY_TRY, GOOD, Asked, requests


@pytest.fixture
def first_gate(world: World) -> Gate:
    """Return the gate that logs people in."""
    return world.gate


def never() -> bool:
    """Return False: this turn has no room for a cookie that is new."""
    return False


@EVERY_TRY
@given(request=requests)
def test_who_is_new_is_not_known(world: World, first_gate: Gate, request: dict[str, Any]) -> None:
    """Whom the ASGI door takes for new at a glance, a closer look would not answer at once either."""
    asked = Asked(world, first_gate, request)
    door, scope = asked.door(FotoWebASGIMiddleware), asked.scope()
    door._shortcut = Shortcut(asked.site, never)

    assert not door._is_new_here(scope) or door._at_once(scope) is None


@pytest.mark.parametrize(
    ("cookie", "is_new"),
    [
        (None, True),
        ("{altered}", False),
        ("{own}", False),
        (" {own} ", False),
        ("\t{own}\t", False),
        ("a=1; {own}", False),
        ("{own}x; a=1", False),
        ("a=1", False),
    ],
)
def test_who_is_new(world: World, first_gate: Gate, cookie: str | None, is_new: bool) -> None:
    """Who has no cookie. A signature that is known, be the rest altered, and several cookies need a closer look."""
    asked = Asked(world, first_gate, {**GOOD, "cookie": cookie})

    assert asked.door(FotoWebASGIMiddleware)._is_new_here(asked.scope()) is is_new


def test_a_new_signature(world: World, first_gate: Gate) -> None:
    """A sealed cookie is new by its signature; a reference is too short for that to save anything."""
    asked = Asked(world, first_gate, {**GOOD, "cookie": "{own}x"})
    is_long = len(asked.cookie or "") > LONGEST_WHOLE

    assert asked.door(FotoWebASGIMiddleware)._is_new_here(asked.scope()) is is_long


@pytest.mark.parametrize("characters", [0, SIGNATURE_CHARACTERS, LONGEST_WHOLE, LONGEST_WHOLE + 1])
def test_short_cookies_need_a_closer_look(world: World, characters: int) -> None:
    """What is short enough to be known by all of it is not told by its end."""
    assert Shortcut(world.gate.site).is_new(b"x" * characters) is (characters > LONGEST_WHOLE)
