"""What a flow does where other processes share the cache: emptied, down at the wrong moment, or held up by us."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.effects import (
    AwaitLease,
    BuryRecord,
    Effect,
    Flow,
    LoadRecord,
    PostForm,
    SaveRecord,
    TakeLease,
)
from fotoweb_middleware.errors import CacheUnavailable, FotoWebRefused
from fotoweb_middleware.model import Admit, Answer, Decision, Reason
from fotoweb_middleware.stages.records import seal_record
from fotoweb_middleware.stages.renewal import REFRESH_STEP, Usable
from tests.flows.conftest import World
from tests.flows.scripted import LOOK, run_to_renewal


def is_sealed(world: World) -> bool:
    """Return whether the cookie carries the session."""
    return world.gate.site.settings.cookie_mode == "sealed"


def finish(world: World, flow: Flow[Any], effect: Effect[Any]) -> Any:
    """Carry a flow out from one of its effects to its end."""
    try:
        while True:
            effect = flow.send(world.driver.perform(effect))
    except StopIteration as stop:
        return stop.value


def run_to(world: World, flow: Flow[Any], kind: type[Effect[Any]]) -> Effect[Any]:
    """Carry a flow out up to its next effect of a kind."""
    effect = next(flow)
    while not isinstance(effect, kind):
        effect = flow.send(world.driver.perform(effect))
    return effect


def detached(world: World) -> tuple[Flow[Decision], Flow[Any]]:
    """Ask for a page with an expired token, and return the request's flow and the one that it detached."""
    world.clock.advance(301)
    flow = world.gate.decide(world.view("/"))
    return flow, run_to_renewal(world, flow)


def end_of(flow: Flow[Decision], result: object) -> Decision:
    """Hand a detached flow's result over, and return the decision."""
    with pytest.raises(StopIteration) as stopped:
        flow.send(result)
    decision: Decision = stopped.value.value
    return decision


def thrown(flow: Flow[Any], error: CacheUnavailable) -> Effect[Any] | StopIteration:
    """Throw an error into a flow; return its next effect, or its end."""
    try:
        return flow.throw(error)
    except StopIteration as end:
        return end


def test_emptied_cache_learns_from_the_cookie(world: World) -> None:
    """A cache that restarted empty gets a session back from the first cookie that carries it, and only from such."""
    world.log_in()
    world.driver.cache = MemoryCache(100, world.clock)
    world.clock.advance(6)
    world.forget_near()
    world.driver.effects.clear()

    decision = world.slowly("/")

    assert world.driver.effects == [*LOOK, LoadRecord, *([SaveRecord] if is_sealed(world) else [])]
    assert decision.reason is (Reason.FRESH if is_sealed(world) else Reason.LOGIN_STARTED)


class Unsettled(MemoryCache):
    """A cache of which a part lost what another part still has."""

    def load(self, key: str) -> Stored | None:
        """Return what is there, as something to be saved again."""
        stored = super().load(key)
        return stored and replace(stored, is_settled=False)


def test_unsettled_entry_is_saved_again(world: World) -> None:
    """What only a part of the cache knows is told to all of it."""
    world.driver.cache = Unsettled(100, world.clock)
    world.log_in()
    world.forget_near()
    world.driver.effects.clear()

    assert world.slowly("/").reason is Reason.FRESH
    assert world.driver.effects == [*LOOK, LoadRecord, SaveRecord]


def test_unsettled_tombstone_is_buried_again(world: World) -> None:
    """A logout that only a part of the cache knows is told to all of it."""
    world.driver.cache = Unsettled(100, world.clock)
    world.log_in()
    cookies = dict(world.jar.cookies)
    world.slowly("/oauth2/logout", "POST", **{"Sec-Fetch-Site": "same-origin"})
    world.jar.cookies = cookies
    world.forget_near()
    world.driver.effects.clear()

    assert world.slowly("/").reason is Reason.LOGIN_STARTED
    assert world.driver.effects == [*LOOK, LoadRecord, BuryRecord]


def test_cache_that_knows_is_not_written_to(world: World) -> None:
    """A look at the shared cache writes nothing where it knows as much as the cookie."""
    world.log_in()
    world.forget_near()
    world.driver.effects.clear()

    world.slowly("/")

    assert world.driver.effects == [*LOOK, LoadRecord]


def test_refusal_while_the_cache_is_down_buries_nothing(world: World) -> None:
    """FotoWeb refused, and the cache can't tell whether another machine has a newer token: only this request ends."""
    world.log_in()
    flow, inner = detached(world)
    run_to(world, inner, PostForm)
    effect = inner.throw(FotoWebRefused("invalid_grant", status=400))
    assert isinstance(effect, LoadRecord)
    with pytest.raises(StopIteration) as ended:
        inner.throw(CacheUnavailable("scripted"))

    decision = end_of(flow, ended.value.value)

    assert isinstance(decision, Answer)
    near = world.gate.site.near
    assert decision.reason is Reason.LOGIN_STARTED
    assert not any(value.startswith("__Host-fotoweb=;") for name, value in decision.headers if name == "Set-Cookie")
    assert near.owed_burials() == []
    assert not any(near.is_buried(session_id) for session_id in near._by_id)


def test_newer_token_revives_what_was_refused_in_an_outage(world: World) -> None:
    """After such a refusal what another machine got meanwhile is as good as ever here, once it can be known."""
    world.log_in()
    here = world.gate
    _, inner = detached(world)
    run_to(world, inner, PostForm)
    inner.throw(FotoWebRefused("invalid_grant", status=400))
    with pytest.raises(StopIteration):
        inner.throw(CacheUnavailable("scripted"))
    for lease in list(world.driver.leases):
        world.driver.free(lease)
    world.forget_near()
    token = world.token(world.slowly("/"))

    world.gate = here
    if not is_sealed(world):
        world.clock.advance(6)  # The cookie does not tell; the cache is asked again.

    assert world.token(world.slowly("/")) == token


def test_refusal_of_what_was_renewed_elsewhere_meanwhile(world: World) -> None:
    """A refusal says nothing of a newer token that came while FotoWeb was asked, whoever brought it into memory."""
    world.log_in()
    _, renewal = detached(world)
    run_to(world, renewal, PostForm)
    site = world.gate.site
    (held,) = site.near._by_id.values()
    tokens = replace(held.record.tokens, access_token="newer", expires_at=world.clock() + 300)
    newer = replace(held.record, version=1 + REFRESH_STEP, tokens=tokens)
    key = site.cache_key("session", newer.session_id)
    world.driver.cache.save(key, seal_record(site, key, newer), version=newer.version, ttl_seconds=1000, create=True)
    site.near.adopt(newer)  # A request that looked again found it.

    result = finish(world, renewal, renewal.throw(FotoWebRefused("invalid_grant", status=400)))

    assert result == Usable(held, was_renewed=True)
    assert world.token(world.slowly("/")) == "newer"


def test_holder_that_was_held_up_asks_no_more(world: World) -> None:
    """A process that was stopped until its lease was nearly over leaves FotoWeb to the next holder."""
    world.log_in()
    flow, inner = detached(world)
    effect = run_to(world, inner, LoadRecord)
    world.clock.advance(6)  # The lease lasts 15 s, a call to FotoWeb up to 10.
    world.driver.effects.clear()

    decision = end_of(flow, finish(world, inner, effect))

    assert PostForm not in world.driver.effects
    assert decision.reason is Reason.FOTOWEB_UNAVAILABLE


def test_no_lease_from_the_cache_renews_what_the_cookie_carries_alone(world: World) -> None:
    """Where the cache gives no lease, a sealed session is renewed within this process; one by handle waits for it."""
    world.log_in()
    flow, inner = detached(world)
    lease = run_to(world, inner, TakeLease)
    assert isinstance(lease, TakeLease)
    assert not lease.local_only

    world.driver.effects.clear()
    following = thrown(inner, CacheUnavailable("read-only"))
    renewal = following.value if isinstance(following, StopIteration) else finish(world, inner, following)
    decision = end_of(flow, renewal)

    assert decision.reason is (Reason.REFRESHED if is_sealed(world) else Reason.CACHE_UNAVAILABLE)
    assert (PostForm in world.driver.effects) is is_sealed(world)


def test_one_request_of_a_process_waits_at_the_cache(world: World) -> None:
    """While one request stands for all of this process, the others wait for it and ask the cache for nothing more."""
    world.log_in()
    _, first = detached(world)
    second = world.gate.decide(world.view("/"))
    turn = next(second)  # The cache was asked a moment ago.
    assert isinstance(turn, TakeLease)

    assert isinstance(second.send(world.driver.perform(turn)), AwaitLease)  # The first has the turn, and has not ended.
    finish(world, first, next(first))
    token = world.token(world.slowly("/"))
    with pytest.raises(StopIteration) as stopped:
        second.send(0.1)
    decision = stopped.value.value
    assert isinstance(decision, Admit)
    assert decision.session.access_token == token
