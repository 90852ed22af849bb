"""What is written down of a session's use, where an idle limit needs it."""

from __future__ import annotations

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.effects import SaveRecord
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.lookup import note_request
from fotoweb_middleware.stages.records import open_stored
from tests.flows.stepping import walked
from tests.site.samples import NOW, a_record
from tests.stages.turned import Clocks, a_turned_site

LIFETIME = 43_200.0
RECORD = a_record()


@pytest.fixture
def site(clocks: Clocks) -> Site:
    """Return a site with an idle limit of 1,000 seconds."""
    return a_turned_site(clocks, session_idle=1000.0)


@pytest.mark.parametrize(("mode", "create"), [("sealed", True), ("reference", False)])
def test_note(clocks: Clocks, mode: str, create: bool) -> None:
    """A note raises the version by one and is saved for the rest of the lifetime."""
    site = a_turned_site(clocks, session_idle=1000.0, cookie_mode=mode)
    held = site.near.adopt(a_record(version=5))
    clocks.wall += 50

    (effect,), _ = walked(note_request(site, held), None)

    assert isinstance(effect, SaveRecord)
    assert effect.key == site.cache_key("session", "session-1")
    assert (effect.version, effect.ttl_seconds, effect.create) == (6, LIFETIME - 50, create)
    noted = a_record(version=6, seen_at=NOW + 50, access_token="access-5", refresh_token="refresh-5")
    assert open_stored(site, effect.key, Stored(effect.value, 6)) == noted
    assert held.record == noted


def test_no_note(site: Site, clocks: Clocks) -> None:
    """Before a twentieth of the idle limit has passed nothing is noted."""
    held = site.near.adopt(RECORD)
    clocks.wall += 49.9

    assert walked(note_request(site, held)) == ([], True)


def test_note_that_the_cache_missed(site: Site, clocks: Clocks) -> None:
    """A note that the cache does not take disturbs no request."""
    held = site.near.adopt(RECORD)
    clocks.wall += 50

    walked(note_request(site, held), CacheUnavailable("down"))

    assert held.record.version == 2


@pytest.mark.parametrize("answer", [*SaveOutcome, CacheUnavailable("down")], ids=str)
def test_note_of_a_session_that_is_over(site: Site, clocks: Clocks, answer: object) -> None:
    """Where a tombstone is in the way the session has ended here too; nothing else that comes of a note ends it."""
    held = site.near.adopt(RECORD)
    clocks.wall += 50

    _, goes_on = walked(note_request(site, held), answer)

    is_over = answer is SaveOutcome.BURIED
    assert (goes_on, site.near.is_buried("session-1"), held.live) == (not is_over, is_over, not is_over)
