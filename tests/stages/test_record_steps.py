"""Which version of a session counts, and what the server cache is told of it, one step at a time."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.effects import BuryRecord, LoadRecord, SaveRecord
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.model import SessionRecord
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages import records
from fotoweb_middleware.stages.records import (
    CacheDown,
    bury_owed,
    bury_session,
    is_behind,
    load_newest,
    open_stored,
    save_again,
    seal_record,
)
from tests.flows.stepping import walked
from tests.site.samples import a_record
from tests.stages.turned import Clocks, a_turned_site

DOWN = CacheUnavailable("down")
ID = "session-1"


@pytest.fixture
def site(clocks: Clocks) -> Site:
    """Return a site that shares its cache with others."""
    return a_turned_site(clocks, shared_cache=True)


def kept(site: Site, version: int, *, is_settled: bool = True) -> Stored:
    """Return what the cache has of the session."""
    stored = Stored(seal_record(site, site.cache_key("session", ID), a_record(version=version)), version)
    return dataclasses.replace(stored, is_settled=is_settled)


def near(site: Site, version: int, *, is_saved: bool = True) -> Held:
    """Let the process hold a version."""
    held = site.near.adopt(a_record(version=version))
    held.current.is_saved = is_saved
    return held


def version_of(found: object) -> object:
    """Return the version that was found, or what else there is."""
    return found.record.version if isinstance(found, Held) else found


@pytest.mark.parametrize(
    ("cookie", "here", "there", "newest"),
    [(3, 2, 1, 3), (2, 3, 1, 3), (1, 2, 3, 3), (2, None, None, 2), (2, None, 1, 2), (None, None, 2, 2)],
)
def test_highest_version_wins(site: Site, cookie: int | None, here: int | None, there: int | None, newest: int) -> None:
    """Of cookie, memory and cache the highest version counts; a cache that is behind is told it."""
    if here:
        near(site, here)
    record = a_record(version=cookie) if cookie else None
    is_told = there is None or there < newest
    replies = [kept(site, there) if there else None, *([SaveOutcome.SAVED] if is_told else [])]

    effects, found = walked(load_newest(site, ID, record), *replies)

    assert version_of(found) == newest
    assert [effect.version for effect in effects if isinstance(effect, SaveRecord)] == ([newest] if is_told else [])


@pytest.mark.parametrize(("is_saved", "found"), [(True, None), (False, 2)])
def test_memory_of_what_the_cache_lost(site: Site, is_saved: bool, found: int | None) -> None:
    """In reference mode memory counts only for what the cache was never told."""
    near(site, 2, is_saved=is_saved)
    replies = [None] if is_saved else [None, SaveOutcome.SAVED]

    assert version_of(walked(load_newest(site, ID, None), *replies)[1]) == found


def test_nobody_knows_it(site: Site) -> None:
    """A handle of which neither cache nor memory knows anything is no session."""
    assert walked(load_newest(site, ID, None), None)[1] is None


@pytest.mark.parametrize("cookie", [True, False])
def test_cache_down(site: Site, cookie: bool) -> None:
    """With the cache down a cookie that carries the session goes on, a handle does not; nothing is saved."""
    effects, found = walked(load_newest(site, ID, a_record() if cookie else None), DOWN)

    assert version_of(found) == (1 if cookie else CacheDown())
    assert [type(effect) for effect in effects] == [LoadRecord]


def test_saved_as_soon_as_asked(site: Site) -> None:
    """What the cache missed is saved again even while it does not answer the question."""
    near(site, 2, is_saved=False)

    effects, found = walked(load_newest(site, ID, a_record()), DOWN, DOWN)

    assert version_of(found) == 2
    assert [type(effect) for effect in effects] == [LoadRecord, SaveRecord]


@pytest.mark.parametrize("is_settled", [True, False])
def test_tombstone(site: Site, is_settled: bool) -> None:
    """A tombstone ends the session here; one that not every cache has is written again."""
    effects, found = walked(
        load_newest(site, ID, a_record()), Stored(None, 0, is_settled=is_settled), *([] if is_settled else [None])
    )

    assert found is None
    assert site.near.is_buried(ID)
    assert [type(effect) for effect in effects] == [LoadRecord, *([] if is_settled else [BuryRecord])]


def test_rechecked_later(site: Site, clocks: Clocks) -> None:
    """After a look the cache is left alone for the time that is set."""
    clocks.monotonic = 50.0

    _, held = walked(load_newest(site, ID, a_record()), kept(site, 1))

    assert isinstance(held, Held)
    assert held.recheck_at == 50 + site.settings.cache_recheck


@pytest.mark.parametrize(
    ("stored", "behind"),
    [
        (None, True),
        (Stored(b"x", 2, is_settled=False), True),
        (Stored(b"x", 2), False),
        (Stored(b"x", 1), True),
        (Stored(b"x", 3), True),
    ],
)
def test_cache_that_is_behind(site: Site, stored: Stored | None, behind: bool) -> None:
    """A shared cache is behind that has nothing, an older version, a newer one that did not open, or not everywhere."""
    assert is_behind(site, stored, near(site, 2)) is behind


def test_only_what_is_newer_is_opened(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of the version that the cookie carries tells nothing new, and costs no cryptography."""
    monkeypatch.setattr(records, "open_stored", lambda *_: pytest.fail("it was opened"))

    _, held = walked(load_newest(site, ID, a_record(version=2)), kept(site, 2))

    assert isinstance(held, Held)
    assert held.record.version == 2


def test_own_cache_is_never_behind(clocks: Clocks) -> None:
    """A cache of this process alone knows what this process knows."""
    site = a_turned_site(clocks)

    assert not is_behind(site, None, near(site, 2))


@pytest.mark.parametrize(("reply", "is_owed"), [(None, False), (DOWN, True)])
def test_burial(site: Site, reply: Any, is_owed: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A session is buried here and there; what the cache did not hear is owed to it, and told to the log."""
    (effect,), _ = walked(bury_session(site, ID), reply)

    assert isinstance(effect, BuryRecord)
    assert (effect.key, effect.ttl_seconds) == (site.cache_key("session", ID), site.tombstone_seconds)
    assert site.near.is_buried(ID)
    assert site.near.owed_burials() == ([ID] if is_owed else [])
    assert [record.__dict__["fotoweb_event"] for record in caplog.records] == (["cache_down"] if is_owed else [])


@pytest.mark.parametrize(("reply", "is_owed"), [(None, False), (DOWN, True)])
def test_burial_that_is_owed(site: Site, reply: Any, is_owed: bool) -> None:
    """An owed burial is made up for, and stays owed where the cache fails again."""
    site.near.owe_burial(ID)

    (effect,), _ = walked(bury_owed(site), reply)

    assert isinstance(effect, BuryRecord)
    assert effect.ttl_seconds == site.tombstone_seconds
    assert site.near.owed_burials() == ([ID] if is_owed else [])


@pytest.mark.parametrize("told", [0, 1, 2])
def test_burials_of_a_request_that_goes_away(site: Site, told: int) -> None:
    """What the cache was not told of when a request went away stays owed, be it a logout's own or an earlier one."""
    for session_id in ("a", "b", "c"):
        site.near.owe_burial(session_id)
    flow = bury_owed(site)
    next(flow)
    for _ in range(told):
        flow.send(None)
    flow.close()
    own = bury_session(site, ID)
    next(own)
    own.close()

    assert len(site.near.owed_burials()) == 3 - told + 1


def test_burial_is_made_up_for_with_the_next_look(site: Site) -> None:
    """A cache that answers again is told of the sessions that ended meanwhile."""
    site.near.owe_burial("other")

    effects, _ = walked(load_newest(site, ID, a_record()), kept(site, 1), None)

    assert [(type(effect), effect.key) for effect in effects[1:]] == [(BuryRecord, site.cache_key("session", "other"))]


@pytest.mark.parametrize(
    ("reply", "is_saved", "is_buried"),
    [(SaveOutcome.SAVED, True, False), (SaveOutcome.BURIED, True, True), (DOWN, False, False)],
)
def test_saved_again(site: Site, clocks: Clocks, reply: Any, is_saved: bool, is_buried: bool) -> None:
    """What the cache missed is saved for as long as the session lives; a tombstone there ends it here."""
    held = near(site, 2, is_saved=False)
    clocks.wall += 200

    (effect,), _ = walked(save_again(site, "k", held), reply)

    assert isinstance(effect, SaveRecord)
    assert (effect.key, effect.version, effect.ttl_seconds, effect.create) == ("k", 2, 43_000, True)
    assert open_stored(site, "k", Stored(effect.value, 2)) == a_record(version=2)
    assert (held.current.is_saved, site.near.is_buried(ID)) == (is_saved, is_buried)


def test_no_entry_is_no_session(site: Site) -> None:
    """Neither a missing entry nor a tombstone opens."""
    found: list[SessionRecord | None] = [open_stored(site, "k", stored) for stored in (None, Stored(None, 0))]

    assert found == [None, None]


def test_burial_is_silent_where_it_works(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A burial that the cache heard of is no line of its own."""
    caplog.set_level(logging.DEBUG, "fotoweb_middleware")
    walked(bury_session(site, ID), None)

    assert caplog.messages == []
