"""What each way through the gate asks for, effect by effect."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome
from fotoweb_middleware.effects import (
    AwaitLease,
    BuryRecord,
    Claim,
    Detach,
    Effect,
    Flow,
    GetDocument,
    LoadRecord,
    PostForm,
    SaveRecord,
    TakeLease,
)
from fotoweb_middleware.errors import CacheUnavailable, FotoWebRefused
from fotoweb_middleware.fotoweb.tokens import TOKEN_PATH
from fotoweb_middleware.model import Admit, Reason
from fotoweb_middleware.stages.renewal import REFRESH_STEP
from tests.flows.conftest import World
from tests.flows.scripted import LOOK, run_to_renewal

R = TypeVar("R")


def test_login_asks_for_nothing(world: World) -> None:
    """The redirect to FotoWeb needs no I/O, so nothing outlives an anonymous request."""
    world.slowly("/")

    assert world.driver.effects == []


def test_callback(world: World) -> None:
    """The state is claimed before the code is sent; code, user and record come in one detached run."""
    world.log_in()

    assert world.driver.effects == [Claim, Detach, PostForm, GetDocument, SaveRecord]


def test_refresh_of_an_expired_token(world: World) -> None:
    """Under the lease the cache is asked again before FotoWeb, and the answer is saved before the lease is given up."""
    world.log_in()
    world.clock.advance(301)
    world.driver.effects.clear()

    world.slowly("/")

    renewal = [TakeLease, Detach, TakeLease, LoadRecord, PostForm, SaveRecord]
    assert world.driver.effects == [*LOOK, LoadRecord, *renewal]
    assert world.driver.leases == []


def test_refresh_after_the_answer(world: World) -> None:
    """A stale token's refresh runs when the door calls for it, under the lease too."""
    world.log_in()
    world.clock.advance(250)
    decision = world.slowly("/")
    assert isinstance(decision, Admit)
    assert decision.renew_session_id is not None
    world.driver.effects.clear()

    world.driver.run(world.gate.renew_later(decision.renew_session_id))

    assert world.driver.effects == [TakeLease, Detach, LoadRecord, PostForm, SaveRecord]


def test_refresh_after_the_answer_that_somebody_else_does(world: World) -> None:
    """Where the lease is out, a stale token's refresh is left to its holder, without waiting."""
    world.log_in()
    world.clock.advance(250)
    decision = world.slowly("/")
    assert isinstance(decision, Admit)
    assert decision.renew_session_id is not None
    key = world.gate.site.cache_key("session", decision.renew_session_id)
    world.driver.busy.add(key)
    world.driver.effects.clear()

    world.driver.run(world.gate.renew_later(decision.renew_session_id))

    assert world.driver.effects == [TakeLease]


def test_waiting_for_another_process_is_bounded(world: World) -> None:
    """Where somebody else holds the lease and never answers, the request ends with 503 after one call's time."""
    world.log_in()
    world.clock.advance(301)
    session_id = read_session_id(world)
    world.driver.busy.add(world.gate.site.cache_key("session", session_id))

    answer = world.status(world.slowly("/"), 503)

    assert AwaitLease in world.driver.effects
    assert PostForm not in world.driver.effects[-5:]
    assert "Retry-After" in dict(answer.headers)


def test_result_of_another_process_is_taken(world: World) -> None:
    """A waiter finds in the shared cache what the other process got, and FotoWeb is asked once."""
    world.log_in()
    world.clock.advance(301)
    mine = world.gate
    world.forget_near()
    token = world.token(world.slowly("/"))
    posts = len(world.fake.token_requests)
    world.gate = mine

    assert world.token(world.slowly("/")) == token
    assert len(world.fake.token_requests) == posts


def test_refusal_counts_only_without_a_newer_token(world: World) -> None:
    """The loser of a race between processes reads the winner's result, and nobody is logged out."""
    world.log_in()
    world.clock.advance(301)
    loser = world.gate.decide(world.view("/"))
    inner = run_to_renewal(world, loser)
    inner_effect = next(inner)
    while not isinstance(inner_effect, PostForm):
        inner_effect = inner.send(world.driver.perform(inner_effect))
    for lease in list(world.driver.leases):
        world.driver.free(lease)
    world.forget_near()
    winner = world.token(world.slowly("/"))

    inner_effect = inner.throw(FotoWebRefused("invalid_grant", status=400))
    result = run_rest(world, inner, inner_effect)
    with pytest.raises(StopIteration) as stopped:
        loser.send(result)

    assert world.token(stopped.value.value) == winner


def test_late_holder_of_the_lease_finds_the_result(world: World) -> None:
    """Who waited for the lease itself, not for its release, finds the token renewed and does not ask again."""
    world.log_in()
    world.clock.advance(301)
    late = world.gate.decide(world.view("/"))
    inner = run_to_renewal(world, late)
    effect = next(inner)
    assert isinstance(effect, TakeLease)
    for lease in list(world.driver.leases):
        world.driver.free(lease)
    token = world.token(world.slowly("/"))

    result = run_rest(world, inner, effect)
    with pytest.raises(StopIteration) as stopped:
        late.send(result)

    assert world.token(stopped.value.value) == token
    assert len(world.fake.token_requests) == 2


def test_logout_during_a_refresh_sticks(world: World) -> None:
    """A refresh in flight cannot bring back what a logout removed meanwhile."""
    world.log_in()
    cookies = dict(world.jar.cookies)
    world.clock.advance(301)
    flow = world.gate.decide(world.view("/"))
    inner = run_to_renewal(world, flow)
    inner_effect = next(inner)
    while not isinstance(inner_effect, SaveRecord):
        inner_effect = inner.send(world.driver.perform(inner_effect))
    world.slowly("/oauth2/logout", "POST", **{"Sec-Fetch-Site": "same-origin"})

    outcome = world.driver.perform(inner_effect)

    assert outcome is SaveOutcome.BURIED
    with pytest.raises(StopIteration) as ended:
        inner.send(outcome)
    with pytest.raises(StopIteration) as stopped:
        flow.send(ended.value.value)
    assert stopped.value.value.reason is Reason.LOGIN_STARTED
    world.jar.cookies = cookies
    world.forget_near()
    assert world.slowly("/").reason is Reason.LOGIN_STARTED


def test_cache_down_at_the_lease(world: World) -> None:
    """With the cache down the lease is taken within this process; in reference mode the request ends with 503."""
    world.log_in()
    world.clock.advance(301)
    site = world.gate.site
    seen: list[type[Effect[Any]]] = []

    decision = run_with_cache_down(world, world.gate.decide(world.view("/")), seen)

    if site.settings.cookie_mode == "sealed":
        assert isinstance(decision, Admit)
        assert seen == [*LOOK, LoadRecord, TakeLease, Detach, TakeLease, TakeLease, LoadRecord, PostForm, SaveRecord]
    else:
        assert decision.reason is Reason.CACHE_UNAVAILABLE


def run_with_cache_down(world: World, flow: Flow[R], seen: list[type[Effect[Any]]]) -> R:
    """Run a flow whose every look at the shared cache fails; write down what it asks for."""
    try:
        effect = next(flow)
        while True:
            seen.append(type(effect))
            is_local = isinstance(effect, TakeLease) and effect.local_only
            if isinstance(effect, Detach):
                effect = flow.send(run_with_cache_down(world, effect.flow, seen))
            elif isinstance(effect, LoadRecord | SaveRecord | BuryRecord | TakeLease) and not is_local:
                effect = flow.throw(CacheUnavailable("scripted"))
            else:
                effect = flow.send(world.driver.perform(effect))
    except StopIteration as stop:
        result: R = stop.value
        return result


def run_rest(world: World, flow: Flow[R], effect: Effect[Any]) -> R:
    """Run a flow from one of its effects to its end."""
    try:
        while True:
            effect = flow.send(world.driver.perform(effect))
    except StopIteration as stop:
        result: R = stop.value
        return result


def test_tombstone_elsewhere_is_honoured(world: World) -> None:
    """A session that another process buried is over here once the shared cache was asked again."""
    world.log_in()
    world.slowly("/")  # Now the cookie was seen.
    key = world.gate.site.cache_key("session", read_session_id(world))
    world.driver.cache.bury(key, ttl_seconds=1000)
    assert isinstance(world.gate.decide_now(world.view("/")), Admit)
    world.clock.advance(6)

    assert world.gate.decide_now(world.view("/")) is None
    assert world.slowly("/").reason is Reason.LOGIN_STARTED


def test_versions_rise_by_a_step(world: World) -> None:
    """A refresh raises the version by a whole step, so that it outranks every note of a request."""
    world.log_in()
    session_id = read_session_id(world)
    world.clock.advance(301)
    world.slowly("/")

    stored = world.driver.cache.load(world.gate.site.cache_key("session", session_id))

    assert stored is not None
    assert stored.version == 1 + REFRESH_STEP


def test_only_the_token_endpoint_gets_secrets(world: World) -> None:
    """The form goes to the token endpoint of the configured site and nowhere else."""
    world.log_in()

    assert {request.path for request in world.fake.requests if request.method == "POST"} >= {TOKEN_PATH}


def read_session_id(world: World) -> str:
    """Return the id of the session in the jar."""
    return next(iter(world.gate.site.near._by_id))
