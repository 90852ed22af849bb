"""A save under a lease was refused, and nothing newer lies in the cache: its count of leases was lost (stage 3)."""

from __future__ import annotations

import dataclasses
import logging

import pytest

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.effects import LoadRecord, SaveRecord
from fotoweb_middleware.stages.records import seal_record
from fotoweb_middleware.stages.refresh import lease_key
from fotoweb_middleware.stages.renewal import REFRESH_STEP, Ended, Usable, write_down
from tests.flows.stepping import walked
from tests.site.samples import NOW, a_record
from tests.stages.turned import Clocks, a_turned_site

LEASE = Lease("k", "t", 1)


@pytest.mark.parametrize("notes", [0, 3])
def test_own_tokens_are_kept(notes: int) -> None:
    """What FotoWeb has just given is the only token that it still takes, so it goes on; the cache is told again."""
    site = a_turned_site(Clocks(), shared_cache=True)
    held = site.near.adopt(a_record(received_at=NOW - 7200, expires_at=NOW - 3600))
    key = site.cache_key("session", held.record.session_id)
    old = dataclasses.replace(held.record, version=1 + notes)
    stored = Stored(seal_record(site, key, old), old.version)

    effects, renewal = walked(write_down(site, held, a_record().tokens, LEASE), SaveOutcome.NEWER, stored)

    assert [type(effect) for effect in effects] == [SaveRecord, LoadRecord]
    assert isinstance(renewal, Usable)
    assert renewal.held.record.tokens == a_record().tokens
    assert renewal.held.record.version == 1 + REFRESH_STEP
    assert not renewal.held.current.is_saved


@pytest.mark.parametrize("steps", [1, 2])
def test_newer_tokens_of_others(steps: int, caplog: pytest.LogCaptureFixture) -> None:
    """Where another machine's tokens lie there, also in a version of the same number, those are taken, and not ours."""
    caplog.set_level(logging.INFO, "fotoweb_middleware")
    site = a_turned_site(Clocks(), shared_cache=True)
    held = site.near.adopt(a_record(received_at=NOW - 7200, expires_at=NOW - 3600))
    key = site.cache_key("session", held.record.session_id)
    theirs = a_record(version=1 + steps * REFRESH_STEP, access_token="theirs")
    stored = Stored(seal_record(site, key, theirs), theirs.version)

    _, renewal = walked(write_down(site, held, a_record().tokens, LEASE), SaveOutcome.NEWER, stored)

    assert isinstance(renewal, Usable)
    assert (renewal.was_renewed, renewal.held.record.tokens.access_token) == (True, "theirs")
    assert renewal.held.current.is_saved
    assert caplog.records == []  # Nothing was refreshed here that anybody has.


def test_session_that_is_gone() -> None:
    """Where it lies in the cache no more at all, it has ended."""
    site = a_turned_site(Clocks(), shared_cache=True)
    held = site.near.adopt(a_record(received_at=NOW - 7200, expires_at=NOW - 3600))
    held.by_handle = True

    _, renewal = walked(write_down(site, held, a_record().tokens, LEASE), SaveOutcome.NEWER, Stored(None, 0))

    assert renewal == Ended()


def test_lease_lies_beside_its_entry() -> None:
    """So a cache that lost the count can go on from the entry's fence (``Cache.take_lease``)."""
    site = a_turned_site(Clocks(), shared_cache=True)

    assert lease_key(site, "session-1") == site.cache_key("session", "session-1")
