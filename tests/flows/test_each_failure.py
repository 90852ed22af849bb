"""Each effect of each flow fails once: the answer is one the contract knows, and the session lives on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fotoweb_middleware.errors import FotoWebMiddlewareError
from fotoweb_middleware.model import Admit, Answer, Decision
from tests.flows.conftest import World
from tests.flows.scripted import failures_of

Scenario = Callable[[World], Decision]


def refresh_expired(world: World) -> Decision:
    """A request on an expired token."""
    world.clock.advance(301)
    return world.slowly("/")


def first_sight(world: World) -> Decision:
    """A request whose cookie this process never saw."""
    world.forget_near()
    return world.slowly("/")


def first_sight_expired(world: World) -> Decision:
    """Both at once."""
    world.forget_near()
    world.clock.advance(301)
    return world.slowly("/")


def second_login(world: World) -> Decision:
    """A login on top of a session."""
    location = dict(world.status(world.slowly("/oauth2/login"), 302).headers)["Location"]
    return world.slowly(world.callback(location))


def logout(world: World) -> Decision:
    """A logout."""
    return world.slowly("/oauth2/logout", "POST", **{"Sec-Fetch-Site": "same-origin"})


def status(world: World) -> Decision:
    """A look at the session's status."""
    return world.slowly("/oauth2/session")


SCENARIOS: list[Scenario] = [refresh_expired, first_sight, first_sight_expired, second_login, logout, status]
ALLOWED_ANSWERS = {200, 302, 502, 503}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_effect_failing_once(world: World, scenario: Scenario) -> None:
    """Whatever fails, the flow ends in order, no lease stays out, and the user is not logged out by it."""
    for number, failure in every_failure(world, scenario):
        world.log_in_afresh()
        world.driver.effects.clear()
        world.driver.fail_at = (number, failure)

        decision = scenario(world)

        world.driver.fail_at = None
        assert isinstance(decision, Admit) or (isinstance(decision, Answer) and decision.status in ALLOWED_ANSWERS)
        assert world.driver.leases == []
        if scenario is not logout:
            world.clock.advance(9)
            assert isinstance(world.slowly("/"), Admit) or lost_with_reason(world, scenario, decision)


def every_failure(world: World, scenario: Scenario) -> list[tuple[int, FotoWebMiddlewareError]]:
    """Run a scenario without failure, and return every effect of it with every way it can fail."""
    world.log_in()
    world.driver.effects.clear()
    scenario(world)
    effects = list(world.driver.effects)
    failures = [(number, failure) for number, effect in enumerate(effects) for failure in failures_of(effect)]
    assert failures
    return failures


def lost_with_reason(world: World, scenario: Scenario, decision: Decision) -> bool:
    """Return whether a new login is right.

    In reference mode a login whose record could not be saved never became a session (the user was told so, 503 or 502);
    a second login that failed at FotoWeb leaves the first session, which is checked by the caller.
    """
    return scenario is second_login and isinstance(decision, Answer) and decision.status in {502, 503}
