"""On its way to the app a request is written down where an idle limit needs it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fotoweb_middleware.effects import SaveRecord
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import Admit, Reason
from fotoweb_middleware.site import open_site
from fotoweb_middleware.stages.renewal import Usable
from tests.flows.conftest import World
from tests.flows.scripted import run_to_renewal
from tests.flows.test_other_processes import end_of


def log_in_with(world: World, idle_seconds: float) -> None:
    """Log somebody in, at a process with this idle limit."""
    world.log_in()
    site = world.gate.site
    settings = replace(site.settings, session_idle=idle_seconds)
    world.gate = Gate(
        open_site(
            settings, clock=site.clock, monotonic=site.monotonic, entropy=site.entropy, shared_cache=site.shared_cache
        )
    )


@pytest.mark.parametrize(("idle_seconds", "is_noted"), [(600.0, True), (0.0, False)])
def test_request_is_noted(world: World, idle_seconds: float, is_noted: bool) -> None:
    """With an idle limit a request half a minute after the last one saves a note; without one nothing is saved."""
    log_in_with(world, idle_seconds)
    world.slowly("/")
    world.clock.advance(31)
    world.driver.effects.clear()

    assert isinstance(world.slowly("/"), Admit)

    assert (SaveRecord in world.driver.effects) is is_noted


def test_logged_out_elsewhere_before_the_note(world: World) -> None:
    """Who is logged out elsewhere while a request of theirs waits for a new token is not let through by that request.

    The note is the first that the cache is asked for after the wait.
    """
    log_in_with(world, 600.0)
    world.clock.advance(301)
    flow = world.gate.decide(world.view("/"))
    inner = run_to_renewal(world, flow)
    renewal = world.driver.run(inner)
    assert isinstance(renewal, Usable)
    session_id = renewal.held.record.session_id
    world.driver.cache.bury(world.gate.site.cache_key("session", session_id), ttl_seconds=1000)

    note = flow.send(renewal)
    assert isinstance(note, SaveRecord)
    decision = end_of(flow, world.driver.perform(note))

    assert decision.reason is Reason.LOGIN_STARTED
    assert world.gate.site.near.is_buried(session_id)
