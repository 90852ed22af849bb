"""Of all requests of a process that ask the server cache for the same session at once, one does."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.effects import AwaitLease, Detach, Effect, Flow, LoadRecord
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.model import Admit, Decision, Reason
from fotoweb_middleware.stages import lookup
from tests.flows.conftest import World
from tests.flows.scripted import LOOK


def look(world: World) -> tuple[Flow[Decision], Flow[Any]]:
    """Ask for a page whose session has to be looked for, and return the request's flow and that of the look."""
    flow = world.gate.decide(world.view("/"))
    effect = flow.send(world.driver.perform(next(flow)))
    assert isinstance(effect, Detach)
    return flow, effect.flow


def wait(world: World) -> Flow[Decision]:
    """Ask for the same page meanwhile, and return the flow of the request, which waits."""
    flow = world.gate.decide(world.view("/"))
    assert isinstance(flow.send(world.driver.perform(next(flow))), AwaitLease)
    return flow


def after_waiting(flow: Flow[Decision]) -> Effect[Any] | Decision:
    """Let a request go on that waited; return what it asks for next, or decides."""
    try:
        return flow.send(0.01)
    except StopIteration as stop:
        decision: Decision = stop.value
        return decision


@pytest.fixture
def due(world: World) -> World:
    """Return a world where somebody is logged in and the cache has to be asked again."""
    world.log_in()
    world.slowly("/")
    world.clock.advance(6)
    return world


def test_others_take_what_one_found(due: World) -> None:
    """Who waited for another one's look asks for nothing more."""
    _, first = look(due)
    second = wait(due)

    due.driver.run(first)

    assert isinstance(after_waiting(second), Admit)


def test_who_found_nothing_helps_nobody(due: World) -> None:
    """Where the look ended without an answer, whoever waited looks too."""
    _, first = look(due)
    second = wait(due)
    assert isinstance(next(first), LoadRecord)
    first.close()

    assert isinstance(after_waiting(second), LoadRecord)


def test_newer_cookie_is_looked_for_itself(world: World) -> None:
    """A cookie that is newer than what the other request found needs a look of its own."""
    world.log_in()
    here, old = world.gate, dict(world.jar.cookies)
    world.clock.advance(301)
    world.forget_near()
    token = world.token(world.slowly("/"))
    world.gate, new = here, world.jar.cookies
    world.jar.cookies = old
    _, first = look(world)
    world.jar.cookies = new
    second = wait(world)
    assert isinstance(next(first), LoadRecord)
    with pytest.raises(StopIteration):
        first.throw(CacheUnavailable("scripted"))

    effect = after_waiting(second)

    if isinstance(effect, LoadRecord):  # Sealed: the cookie knows more. Reference: the handle tells nothing.
        decision = finish(world, second, effect)
        assert isinstance(decision, Admit)
        assert decision.session.access_token == token
    else:
        assert world.gate.site.settings.cookie_mode == "reference"


def finish(world: World, flow: Flow[Decision], effect: Effect[Any]) -> Decision:
    """Carry a flow out from one of its effects to its end."""
    try:
        while True:
            effect = flow.send(world.driver.perform(effect))
    except StopIteration as stop:
        decision: Decision = stop.value
        return decision


def test_known_cookie_is_not_opened_again(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look every few seconds costs no cryptography."""
    monkeypatch.setattr(lookup, "unseal_cookie", None)
    due.driver.effects.clear()

    assert isinstance(due.slowly("/"), Admit)
    assert due.driver.effects == [*LOOK, LoadRecord]


def test_session_that_the_cache_lost(due: World) -> None:
    """In reference mode a session that is gone from the cache is over; a sealed cookie brings it back."""
    due.driver.cache = MemoryCache(100, due.clock)

    decision = due.slowly("/")

    is_sealed = due.gate.site.settings.cookie_mode == "sealed"
    assert decision.reason is (Reason.FRESH if is_sealed else Reason.LOGIN_STARTED)


def test_token_found_renewed_is_not_looked_for_again(due: World) -> None:
    """Just after a look the cache is not asked again, also on the way that may ask."""
    due.slowly("/")
    due.driver.effects.clear()

    assert isinstance(due.slowly("/"), Admit)
    assert due.driver.effects == []
