"""A crowd waits for a lease that brings nothing: one of it finds that out for all (stage 3)."""

from __future__ import annotations

import pytest

from fotoweb_middleware.caches.protocol import Lease, Stored
from fotoweb_middleware.effects import LoadRecord, TakeLease
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.records import seal_record
from fotoweb_middleware.stages.refresh import known_result, renew, renew_for_all
from fotoweb_middleware.stages.renewal import NotNow
from tests.flows.stepping import walked
from tests.site.samples import NOW, a_record
from tests.stages.turned import Clocks, a_turned_site

LEASE = Lease("k", "t", 1)


@pytest.fixture
def site(clocks: Clocks) -> Site:
    """Return a site that shares its cache, and on which one request has had the lease too late to ask FotoWeb."""
    site = a_turned_site(clocks, shared_cache=True)
    before = site.near.adopt(a_record(received_at=NOW - 7200, expires_at=NOW - 3600)).record
    key = site.cache_key("session", before.session_id)
    stored = Stored(seal_record(site, key, before), before.version)

    effects, renewal = walked(renew_for_all(site, before, 3.0, NOW), LEASE, stored)

    assert ([type(effect) for effect in effects], renewal) == ([TakeLease, LoadRecord], NotNow(1.0))
    return site


def test_others_that_waited_take_no_lease(site: Site) -> None:
    """Whoever is woken then is answered at once: a thousand would take it one after the other, for seconds."""
    held = site.near.find("session-1")
    assert held is not None
    flow = renew(site, held)
    with pytest.raises(StopIteration) as stopped:
        next(flow)

    assert stopped.value.value == NotNow(0.2)


def test_whoever_comes_later_asks(site: Site, clocks: Clocks) -> None:
    """A moment later there is nobody left who waited, and whoever comes with all their time asks FotoWeb."""
    clocks.monotonic += 0.2
    held = site.near.find("session-1")
    assert held is not None

    assert known_result(site, held.record, NOW) is None
    turn = next(renew(site, held))
    assert isinstance(turn, TakeLease)


def test_session_that_is_known_no_more(clocks: Clocks) -> None:
    """Where it was pushed out of memory meanwhile there is nothing to note."""
    site = a_turned_site(clocks)
    before = a_record(received_at=NOW - 7200, expires_at=NOW - 3600)

    assert walked(renew_for_all(site, before, 3.0, NOW), LEASE)[1] == NotNow(1.0)
