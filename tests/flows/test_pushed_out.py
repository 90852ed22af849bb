"""A session that is pushed out of memory in the middle of a request: it is looked for again one day, and not over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import Admit, Reason
from fotoweb_middleware.site import open_site
from tests.flows.conftest import World
from tests.flows.test_looks import look
from tests.flows.test_other_processes import end_of


@pytest.fixture
def small(world: World) -> World:
    """Return a world where somebody is logged in, and whose process has room for one session alone."""
    world.log_in()
    site = world.gate.site
    settings = replace(site.settings, cache_size=1)
    world.gate = Gate(
        open_site(settings, clock=site.clock, monotonic=site.monotonic, entropy=site.entropy, shared_cache=True)
    )
    return world


def push_out(world: World) -> None:
    """Let somebody else's session take the only place."""
    near = world.gate.site.near
    (held,) = near._by_id.values()
    near.adopt(replace(held.record, session_id="somebody else's"))


def test_pushed_out_after_the_look(small: World) -> None:
    """What the server cache has just told still holds."""
    flow, inner = look(small)
    found = small.driver.run(inner)
    push_out(small)

    decision = end_of(flow, found)

    assert isinstance(decision, Admit)


def test_pushed_out_is_not_known_by_its_cookie(small: World) -> None:
    """It leaves no cookie behind that this process would know without asking."""
    flow, inner = look(small)
    found = small.driver.run(inner)
    push_out(small)
    end_of(flow, found)

    assert small.gate.decide_now(small.view("/")) is None
    assert small.gate.site.near.by_identity == {}


def test_logged_out_after_the_look(small: World) -> None:
    """What was logged out meanwhile is over all the same."""
    flow, inner = look(small)
    found = small.driver.run(inner)
    small.gate.site.near.bury(found.record.session_id, 1000)

    decision = end_of(flow, found)

    assert decision.reason is Reason.LOGIN_STARTED
