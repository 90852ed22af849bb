"""While a stale token is being renewed others leave it alone, and no longer: whatever becomes of who renews it."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.effects import Flow, PostForm
from fotoweb_middleware.errors import FotoWebUnreachable
from fotoweb_middleware.model import Admit
from tests.flows.conftest import World
from tests.flows.test_at_rest import crowded, finished, put_to_rest, step_to

__all__ = ["crowded"]


@pytest.fixture
def stale(crowded: World) -> World:
    """Return a world where somebody is logged in whose token is stale; each answer below comes of the long way."""
    crowded.log_in()
    crowded.clock.advance(250)
    return crowded


def is_due(world: World) -> bool:
    """Return whether a request would renew the token after its answer; the request itself goes on in any case."""
    decision = world.slowly("/")
    assert isinstance(decision, Admit)
    return decision.renew_session_id is not None


def begin(world: World) -> tuple[Flow[None], Flow[Any], PostForm]:
    """Begin to renew the token after an answer; return that flow, the detached one, and its call to FotoWeb."""
    decision = world.slowly("/")
    assert isinstance(decision, Admit)
    assert decision.renew_session_id is not None
    flow = world.gate.renew_later(decision.renew_session_id)
    inner, call = step_to(world, flow, PostForm)
    assert isinstance(call, PostForm)
    return flow, inner, call


def give_up(world: World, flow: Flow[None]) -> None:
    """Let the request go away; what it detached goes on."""
    flow.close()
    assert world.driver.leases != []


def fail(inner: Flow[Any], error: Exception) -> None:
    """Let the call to FotoWeb fail, and carry the detached flow out to its end."""
    with pytest.raises((StopIteration, type(error))):
        inner.throw(error)


def free_all(world: World) -> None:
    """Give up the lease, as the driver does when the detached flow has ended."""
    for lease in list(world.driver.leases):
        world.driver.free(lease)


def test_left_alone_meanwhile(stale: World) -> None:
    """While FotoWeb is asked nobody else begins, also where the request that began it has gone away."""
    flow, _inner, _call = begin(stale)
    assert not is_due(stale)

    give_up(stale, flow)
    stale.clock.advance(14)

    assert not is_due(stale)


def test_failure_after_the_request_went_away(stale: World) -> None:
    """A try that fails is repeated after a second, as where the request that began it stays."""
    flow, inner, _call = begin(stale)
    give_up(stale, flow)

    fail(inner, FotoWebUnreachable("scripted"))
    free_all(stale)

    assert not is_due(stale)
    stale.clock.advance(1)
    assert is_due(stale)


@pytest.mark.parametrize("stays", [True, False])
def test_failure_that_nobody_expected(stale: World, stays: bool) -> None:
    """Where renewing breaks, by want of memory say, the next request tries again."""
    flow, inner, _call = begin(stale)
    if not stays:
        give_up(stale, flow)

    fail(inner, MemoryError())
    if stays:
        fail(flow, MemoryError())  # The driver hands it on.
    free_all(stale)

    assert is_due(stale)


def test_renewer_that_is_closed(stale: World) -> None:
    """Where the detached flow itself is closed in the middle the next request tries again."""
    flow, inner, _call = begin(stale)
    give_up(stale, flow)

    inner.close()
    free_all(stale)

    assert is_due(stale)


@pytest.mark.parametrize("stays", [True, False])
def test_rest_meanwhile(stale: World, stays: bool) -> None:
    """A session that rests while its token is renewed in vain is tried again after a second, too."""
    flow, inner, _call = begin(stale)
    if not stays:
        give_up(stale, flow)
    put_to_rest(stale)

    fail(inner, FotoWebUnreachable("scripted"))
    free_all(stale)
    if stays:
        finished(stale, flow, None)

    assert not is_due(stale)
    stale.clock.advance(1)
    assert is_due(stale)


def test_renewer_that_never_ends(stale: World) -> None:
    """One that is never heard of again is waited for as long as its lease may last."""
    flow, _inner, _call = begin(stale)
    give_up(stale, flow)

    stale.clock.advance(15)

    assert is_due(stale)


def test_success_after_the_request_went_away(stale: World) -> None:
    """The new token is there, and when it is stale in its turn it is renewed at once."""
    flow, inner, call = begin(stale)
    give_up(stale, flow)
    old = stale.token(stale.slowly("/"))

    finished(stale, inner, stale.driver.perform(call))
    free_all(stale)

    assert stale.token(stale.slowly("/")) != old
    stale.clock.advance(250)
    assert is_due(stale)
