"""Sessions that are not in use rest, and nobody can tell but by the time that their next cookie takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fotoweb_middleware.site import near
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.near import NearCache
from tests.site.samples import a_near, a_record
from tests.site.test_near import at_once


def a_crowded_near(size: int = 10, awake: int = 1, **options: Any) -> NearCache:
    """Return a near cache in which so few sessions may be awake."""
    return a_near(size, least_awake=awake, **options)


def put_to_rest(near: NearCache, session_id: str = "session-1", version: int = 1, **record: Any) -> Held:
    """Hold a session, and let another one take its place among those that are awake."""
    held = near.adopt(a_record(session_id, version, **record))
    near.adopt(a_record("somebody else"))
    return held


@pytest.mark.parametrize(
    ("size", "least", "awake"),
    [(10_000, 1000, 1000), (100_000, 1000, 3125), (999, 1000, 999), (1, 1000, 1), (50, 1, 1), (96, 1, 3), (5, 1, 1)],
)
def test_how_many_are_awake(size: int, least: int, awake: int) -> None:
    """One of 32; in small memories more, so that no small site waits for sessions to wake."""
    assert a_near(size, least_awake=least)._most_awake == awake


def test_goes_to_rest() -> None:
    """The session that was not used for longest rests: its object decides nothing, and its cookies are unknown."""
    near = a_crowded_near()
    held = near.adopt(a_record())
    near.remember("raw", held, 1)

    near.adopt(a_record("somebody else"))

    assert (held.live, near.seen("raw"), near.by_identity) == (False, None, {})
    assert ([*near._by_id], [*near._resting]) == (["somebody else"], ["session-1"])


def test_is_woken_by_its_id() -> None:
    """It is found all the same, in a new object, with everything that was noted of it."""
    near = a_crowded_near()
    old = near.adopt(a_record(version=7))
    old.failures, old.retry_at, old.operator_error, old.recheck_at = 3, 90.0, "invalid_client", 77.0
    old.current.spent, old.current.is_saved, old.by_handle = True, False, True
    near.adopt(a_record("somebody else"))

    held = near.find("session-1")

    assert held is not None
    assert (held is old, held.live, held.record) == (False, True, old.record)
    assert (held.failures, held.retry_at, held.operator_error, held.recheck_at) == (3, 90.0, "invalid_client", 77.0)
    assert (held.current.spent, held.current.is_saved, held.by_handle) == (True, False, True)
    assert [*near._resting] == ["somebody else"]


def test_newer_version_wakes() -> None:
    """A newer version that arrives for a session at rest is the one that counts from then on."""
    near = a_crowded_near()
    put_to_rest(near)

    held = near.adopt(a_record(version=2))

    assert (held.live, held.record.version, held.current.session.access_token) == (True, 2, "access-2")
    assert near.find("session-1") is held


def test_lower_version_loses_to_one_at_rest() -> None:
    """An old cookie does not bring its old tokens back (R-CS11)."""
    near = a_crowded_near()
    put_to_rest(near, version=5)

    assert near.adopt(a_record(version=1)).record.version == 5


def test_note_of_use_keeps_what_was_noted() -> None:
    """A version with the same tokens keeps failed tries and the spent use, also over a rest."""
    near = a_crowded_near()
    held = near.adopt(a_record())
    held.failures, held.current.spent = 4, True
    near.adopt(a_record("somebody else"))

    held = near.adopt(dataclasses.replace(held.record, version=2))

    assert (held.record.version, held.failures, held.current.spent) == (2, 4, True)


def test_buried_at_rest() -> None:
    """A logout ends a session at rest, and neither its id nor a late refresh brings it back (R-LO2)."""
    near = a_crowded_near()
    put_to_rest(near)

    near.bury("session-1", 60)

    late = near.adopt(a_record(version=99))
    assert (near.find("session-1"), late.live, near.find("session-1")) == (None, False, None)
    assert near.remember("raw", late, 99) is late
    assert (near.seen("raw"), [*near._resting]) == (None, [])


def test_cookie_that_was_opened_meanwhile() -> None:
    """Whoever opened a cookie while its session went to rest wakes it, so that the cookie is known next time."""
    near = a_crowded_near()
    old = put_to_rest(near)

    held = near.remember("raw", old, None)

    seen = near.seen("raw")
    assert seen is not None
    assert (seen.held, held.live, held is old, held.by_handle) == (held, True, False, True)


def test_cookie_of_one_that_was_forgotten() -> None:
    """A cookie of a session that is neither awake nor at rest any more is not remembered."""
    near = a_crowded_near(size=1)
    old = put_to_rest(near)

    assert (near.remember("raw", old, 1), old.live, near.by_identity) == (old, False, {})


@pytest.mark.parametrize("is_awake", [True, False])
def test_what_the_cache_missed_is_noted(is_awake: bool) -> None:
    """That the server cache does not know a version is noted of the session, awake or at rest."""
    near = a_crowded_near()
    held = near.adopt(a_record()) if is_awake else put_to_rest(near)

    near.note_saved(held.record, is_saved=False)
    near.adopt(a_record("somebody else"))

    woken = near.find("session-1")
    assert woken is not None
    assert woken.current.is_saved is False


def test_what_the_cache_missed_of_an_older_version() -> None:
    """A note that comes late says nothing of the version that took its place, and nothing of the unknown."""
    near = a_crowded_near()
    held = near.adopt(a_record(version=2))

    near.note_saved(a_record(version=1), is_saved=False)
    near.note_saved(a_record("nobody"), is_saved=False)

    assert (held.current.is_saved, near.find("nobody")) == (True, None)


def test_the_one_that_rested_longest_goes() -> None:
    """Awake and at rest together are bounded; who was used last is forgotten last, whatever woke meanwhile."""
    near = a_crowded_near(size=4, awake=2)
    for number in range(4):
        near.adopt(a_record(f"s{number}"))
    near.find("s0")

    near.adopt(a_record("s4"))

    assert [*near._resting, *near._by_id] == ["s2", "s3", "s0", "s4"]


def test_dead_does_not_rest() -> None:
    """What is no longer live is dropped, and not kept at rest."""
    near = a_crowded_near()
    near.adopt(a_record()).live = False

    near.adopt(a_record("somebody else"))

    assert (near.find("session-1"), [*near._resting]) == (None, [])


def test_dead_is_dropped_where_it_is_found() -> None:
    """What is no longer live takes no place from then on."""
    near = a_crowded_near()
    near.adopt(a_record()).live = False

    assert (near.find("session-1"), [*near._by_id]) == (None, [])


def test_no_secret_in_repr() -> None:
    """Neither tokens nor ids of sessions at rest stand in a repr."""
    near = a_crowded_near()
    put_to_rest(near, "S3CR3T", access_token="S3CR3T", refresh_token="S3CR3T")
    assert "S3CR3T" not in repr(near)


def test_threads_lose_no_version() -> None:
    """However threads wake sessions and push others to rest, none ever finds less than was adopted before."""
    near = a_crowded_near(size=20, awake=2)
    lost = []

    def refresh(own: str) -> None:
        for version in range(1, 300):
            near.remember(f"raw-{own}", near.adopt(a_record(own, version)), version)
            held = near.find(own)
            if held is None or held.record.version != version:
                lost.append(own)

    at_once(*(lambda n=n: refresh(f"s{n}") for n in range(8)))
    assert lost == []
    assert {seen.held.live for seen in near.by_identity.values()} == {True}


def test_what_can_not_be_packed_stays_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no memory to put a session to rest, it stays where a logout finds it, and nothing is forgotten."""
    cache = a_near(2, least_awake=1, is_complete=True)
    held = cache.adopt(a_record("a"))
    cache.remember("signature", held, 1)

    def fail(_held: Held) -> bytes:
        raise MemoryError

    monkeypatch.setattr(near, "pack", fail)
    with pytest.raises(MemoryError):
        cache.adopt(a_record("b"))

    assert (held.live, cache.is_complete, cache.find("a")) == (True, True, held)
    cache.bury("a", 60)
    assert (held.live, cache.seen("signature")) == (False, None)


def test_what_can_not_be_unpacked_rests_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no memory to wake a session, it is there all the same when there is some again."""
    cache = a_crowded_near()
    put_to_rest(cache, "a")
    with monkeypatch.context() as patch:
        patch.setattr(near, "unpack", lambda *_: pytest.fail("no memory"))
        with pytest.raises(pytest.fail.Exception):
            cache.find("a")

    assert cache.find("a") is not None
