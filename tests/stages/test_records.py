"""Entries of the server cache: each opens under its own key alone, and nothing else passes for one (R-CS10, R-TE17)."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.cookies.content import write_record
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.stages.records import load_newest, open_stored, seal_record
from tests.site.samples import a_record, a_site

ALICE, BOB = a_record("alice"), a_record("bob")
SITE = a_site()
KEY, OTHER_KEY = SITE.cache_key("session", "alice"), SITE.cache_key("session", "bob")


class Trap:
    """Something that makes itself known when it is unpickled."""

    sprung = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Spring when unpickled."""
        return setattr, (Trap, "sprung", True)


def test_entry_opens() -> None:
    """Under its own key an entry is the session that was saved."""
    assert open_stored(SITE, KEY, Stored(seal_record(SITE, KEY, ALICE), 1)) == ALICE


def test_entry_under_another_key() -> None:
    """An entry that somebody, or a faulty cache, put under another session's key is none (R-TE17)."""
    assert open_stored(SITE, KEY, Stored(seal_record(SITE, OTHER_KEY, BOB), 1)) is None


def test_answer_for_somebody_else() -> None:
    """Where the cache gives another user's entry, the request goes on with its own session (R-TE17)."""
    site = a_site()
    flow = load_newest(site, "alice", ALICE)
    next(flow)
    with pytest.raises(StopIteration) as stopped:
        flow.send(Stored(seal_record(site, OTHER_KEY, BOB), 9))

    assert stopped.value.value.record == ALICE


def test_answer_for_somebody_else_by_handle() -> None:
    """In reference mode, where the cache alone can tell, there is no session then (R-TE17)."""
    site = a_site(cookie_mode="reference")
    flow = load_newest(site, "alice", None)
    next(flow)
    with pytest.raises(StopIteration) as stopped:
        flow.send(Stored(seal_record(site, OTHER_KEY, BOB), 9))

    assert stopped.value.value is None


def test_cookie_is_no_entry() -> None:
    """A session cookie's value, which a person has at hand, does not pass for a cache entry (R-CS3)."""
    cookie = SITE.sealer.seal(write_record(ALICE), Purpose.SESSION, name=KEY)

    assert open_stored(SITE, KEY, Stored(cookie.encode(), 1)) is None


@pytest.mark.parametrize("value", [b"", b"\xff", b"{}", pickle.dumps(Trap())], ids=["empty", "bytes", "json", "pickle"])
def test_anything_else(value: bytes) -> None:
    """Whatever else lies there counts as lost, and is never unpickled (R-CS10)."""
    assert open_stored(SITE, KEY, Stored(value, 1)) is None
    assert not Trap.sprung
