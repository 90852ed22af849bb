"""A session that goes to rest in the middle of a request: nothing that the request brings is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fotoweb_middleware import get_session
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.effects import Detach, Effect, Flow, LoadRecord, PostForm, SaveRecord
from fotoweb_middleware.errors import CacheUnavailable, FotoWebUnreachable
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import Admit, Reason
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.near import NearCache
from fotoweb_middleware.stages.renewal import REFRESH_STEP, Ended, NotNow
from tests.benchmarks.requests import environ_of, start_response
from tests.benchmarks.sessions import Wrapped, make_record
from tests.flows.conftest import World
from tests.flows.scripted import run_to_renewal
from tests.flows.test_other_processes import end_of

ROOM = 1200


@pytest.fixture
def crowded(world: World) -> World:
    """Return a world whose process has room for many sessions, of which one alone is awake."""
    site = world.gate.site
    near = NearCache(10, site.near._limits, site.clock, site.monotonic, least_awake=1)
    world.gate = Gate(replace(site, near=near))
    return world


def put_to_rest(world: World) -> str:
    """Let somebody else's session be the one that is awake, and return the id of the one that was."""
    near = world.gate.site.near
    (held,) = near._by_id.values()
    near.adopt(replace(held.record, session_id="somebody else's"))
    return held.record.session_id


def known(world: World, session_id: str) -> Held:
    """Return what the process knows of a session."""
    held = world.gate.site.near.find(session_id)
    assert held is not None
    return held


def step_to(world: World, flow: Flow[Any], kind: type[Effect[Any]]) -> tuple[Flow[Any], Effect[Any]]:
    """Carry a flow out up to its first effect of a kind; return the flow, or the detached one, that waits for it."""
    effect = next(flow)
    while not isinstance(effect, kind):
        if isinstance(effect, Detach):
            return step_to(world, effect.flow, kind)
        effect = flow.send(world.driver.perform(effect))
    return flow, effect


def finished(world: World, flow: Flow[Any], reply: object) -> Any:
    """Hand over the reply to a flow's effect, carry the flow out to its end, and return its result."""
    try:
        effect = flow.send(reply)
        while True:
            effect = flow.send(world.driver.perform(effect))
    except StopIteration as stop:
        return stop.value


@pytest.fixture
def asking(crowded: World) -> tuple[Flow[Any], Effect[Any]]:
    """Return the flow of a renewal, and its call to FotoWeb, which is on its way."""
    crowded.log_in()
    crowded.clock.advance(301)
    return step_to(crowded, run_to_renewal(crowded, crowded.gate.decide(crowded.view("/"))), PostForm)


def test_refresh_of_a_session_at_rest(crowded: World, asking: tuple[Flow[Any], Effect[Any]]) -> None:
    """New tokens wake the session that they belong to, and its next request gets them without FotoWeb."""
    flow, call = asking
    reply = crowded.driver.perform(call)
    session_id = put_to_rest(crowded)

    finished(crowded, flow, reply)
    put_to_rest(crowded)
    crowded.driver.cache = MemoryCache(100, crowded.clock)  # Only this process knows them now.
    held = known(crowded, session_id)
    calls = crowded.driver.effects.count(PostForm)

    assert held.record.version == 1 + REFRESH_STEP
    if crowded.gate.site.settings.cookie_mode == "sealed":  # Else the cache alone can tell.
        assert crowded.token(crowded.slowly("/")) == held.record.tokens.access_token
        assert crowded.driver.effects.count(PostForm) == calls


@pytest.mark.parametrize("is_due", [False, True])
def test_the_cache_is_asked_no_more_often_of_sessions_that_rest(crowded: World, *, is_due: bool) -> None:
    """Of a session that comes back from its rest the server cache is asked when it would have been anyway."""
    crowded.log_in()
    crowded.token(crowded.slowly("/"))
    put_to_rest(crowded)
    crowded.clock.advance(5 if is_due else 4)
    before = crowded.driver.effects.count(LoadRecord)

    crowded.token(crowded.slowly("/"))

    assert crowded.driver.effects.count(LoadRecord) - before == is_due


def test_what_the_cache_missed_is_told_to_it_after_a_rest(crowded: World) -> None:
    """Of a session that the server cache does not know, being down, it is asked as soon as somebody comes with it."""
    crowded.log_in()
    crowded.token(crowded.slowly("/"))
    near = crowded.gate.site.near
    near.note_saved(next(iter(near._by_id.values())).record, is_saved=False)
    put_to_rest(crowded)
    before = crowded.driver.effects.count(LoadRecord)

    crowded.token(crowded.slowly("/"))

    assert crowded.driver.effects.count(LoadRecord) == before + 1


def test_logout_of_a_session_at_rest(crowded: World, asking: tuple[Flow[Any], Effect[Any]]) -> None:
    """New tokens do not bring back a session that was logged out while it rested (R-LO2)."""
    flow, call = asking
    reply = crowded.driver.perform(call)
    session_id = put_to_rest(crowded)
    crowded.gate.site.near.bury(session_id, 1000)

    renewal = finished(crowded, flow, reply)

    assert renewal == Ended()
    assert crowded.gate.site.near.find(session_id) is None
    assert crowded.slowly("/").reason is Reason.LOGIN_STARTED


def test_failure_of_a_session_at_rest(crowded: World, asking: tuple[Flow[Any], Effect[Any]]) -> None:
    """A failed try is noted of the session, so that the next request waits with its own."""
    flow, _call = asking
    session_id = put_to_rest(crowded)

    with pytest.raises(StopIteration) as stopped:
        flow.throw(FotoWebUnreachable("scripted"))

    assert stopped.value.value == NotNow(1.0)
    held = known(crowded, session_id)
    assert (held.failures, held.retry_at) == (1, crowded.clock() + 1)


def test_note_while_fotoweb_was_asked(crowded: World, asking: tuple[Flow[Any], Effect[Any]]) -> None:
    """What was noted of the session while FotoWeb was asked goes on with the new tokens."""
    flow, call = asking
    reply = crowded.driver.perform(call)
    session_id = put_to_rest(crowded)
    record = known(crowded, session_id).record
    seen_at = record.seen_at + 10
    crowded.gate.site.near.adopt(replace(record, version=record.version + 1, seen_at=seen_at))
    put_to_rest(crowded)

    finished(crowded, flow, reply)

    record = known(crowded, session_id).record
    assert (record.version, record.seen_at) == (2 + REFRESH_STEP, seen_at)


def test_login_that_the_cache_missed(crowded: World) -> None:
    """That the server cache does not know a new session is noted of it, also where it rests by then."""
    location = dict(crowded.status(crowded.slowly("/"), 302).headers)["Location"]
    flow = crowded.gate.decide(crowded.view(crowded.callback(location)))
    flow, _save = step_to(crowded, flow, SaveRecord)
    session_id = put_to_rest(crowded)

    with pytest.raises(StopIteration):
        flow.throw(CacheUnavailable("scripted"))

    assert known(crowded, session_id).current.is_saved is False


def test_cookie_of_a_session_at_rest(crowded: World) -> None:
    """Its next request is admitted by the slow way, and the one after that by the short one."""
    crowded.log_in()
    crowded.slowly("/")
    put_to_rest(crowded)

    assert crowded.gate.decide_now(crowded.view("/")) is None
    assert isinstance(crowded.slowly("/"), Admit)
    assert isinstance(crowded.gate.decide_now(crowded.view("/")), Admit)


def test_rest_in_the_middle_of_a_look(crowded: World) -> None:
    """The request goes on with what is awake then, the newest version, and its cookie is known."""
    crowded.log_in()
    crowded.clock.advance(6)
    flow = crowded.gate.decide(crowded.view("/"))
    detached: Any = flow.send(crowded.driver.perform(next(flow)))
    found = crowded.driver.run(detached.flow)
    session_id = put_to_rest(crowded)
    record = found.record
    newer = replace(record, version=1 + REFRESH_STEP, tokens=replace(record.tokens, access_token="newer"))
    crowded.gate.site.near.adopt(newer)  # Somebody else's refresh came meanwhile.
    put_to_rest(crowded)

    decision = end_of(flow, found)

    assert crowded.token(decision) == "newer"
    (seen,) = crowded.gate.site.near.by_identity.values()
    assert seen.held is known(crowded, session_id)
    assert seen.held.by_handle is (crowded.gate.site.settings.cookie_mode == "reference")


def test_everybody_gets_their_newest_token() -> None:
    """As many as there is room for, most of them at rest: an old cookie of each gets the token that only memory knows.

    Nothing else could tell: there is neither a FotoWeb nor an entry in a cache.
    """
    tokens = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        session = get_session(environ)
        assert session is not None
        tokens.append(session.access_token)
        start_response("200 OK", [])
        return []

    wrapped = Wrapped(app, is_asgi=False, changes={"cache": "memory://", "cache_size": ROOM})
    near = wrapped.site.near
    near._most_awake = ROOM // 10
    records = [make_record(number) for number in range(ROOM)]
    for record in records:
        wrapped.middleware(environ_of(wrapped.cookie(record)), start_response)
        newer = replace(record.tokens, access_token=f"new of {record.session_id}")
        near.adopt(replace(record, version=1 + REFRESH_STEP, tokens=newer))
    assert (len(near._by_id), len(near._resting)) == (ROOM // 10, ROOM - ROOM // 10)
    tokens.clear()

    for record in records:
        wrapped.middleware(environ_of(wrapped.cookie(record)), start_response)

    assert tokens == [f"new of {record.session_id}" for record in records]
