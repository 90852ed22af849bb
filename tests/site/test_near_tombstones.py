"""Tombstones in a process's memory: what was ended stays ended, for as long as any cookie of it may come."""

from __future__ import annotations

from fotoweb_middleware.testing import FakeClock
from tests.site.samples import a_near, a_record


def test_tombstone_beats_adopt() -> None:
    """Nothing brings a session back that was ended, whatever its version."""
    near = a_near()
    near.bury("session-1", 60)
    held = near.adopt(a_record(version=99))
    assert (held.live, near.find("session-1")) == (False, None)


def test_tombstone_beats_late_version() -> None:
    """A refresh that comes back after the logout doesn't either (R-LO2)."""
    near = a_near()
    held = near.adopt(a_record(version=1))
    near.bury("session-1", 60)
    late = near.adopt(a_record(version=2))
    assert (held.live, late.live, near.find("session-1")) == (False, False, None)


def test_tombstone_ends() -> None:
    """A tombstone lives for its time, and then no cookie of the session can come any more."""
    clock = FakeClock(0.0)
    near = a_near(clock=clock)
    near.bury("session-1", 60)
    clock.advance(59)
    before = near.is_buried("session-1")
    clock.advance(2)
    assert (before, near.is_buried("session-1")) == (True, False)


def test_tombstone_lives_from_the_last_end() -> None:
    """A session that is ended twice stays ended for the whole time after the second."""
    clock = FakeClock(0.0)
    near = a_near(clock=clock)
    near.bury("session-1", 60)
    near.bury("session-2", 60)
    clock.advance(30)
    near.bury("session-1", 60)
    clock.advance(40)
    near.bury("session-3", 60)
    assert [near.is_buried(f"session-{number}") for number in (1, 2, 3)] == [True, False, True]
    assert [*near._tombstones] == ["session-1", "session-3"]


def test_tombstones_that_have_lived_go() -> None:
    """New ones make the memory of those free that have lived their time, each of more than one."""
    clock = FakeClock(0.0)
    near = a_near(clock=clock)
    for number in range(100):
        near.bury(f"old-{number}", 60)
    clock.advance(60)
    for number in range(10):
        near.bury(f"new-{number}", 60)
    assert [*near._tombstones] == [f"new-{number}" for number in range(10)]


def test_tombstone_outlives_size_pressure() -> None:
    """However many sessions and tombstones come, none is pushed out (R-RL2: eviction never un-revokes)."""
    near = a_near(size=3)
    for number in range(100):
        near.bury(f"gone-{number}", 60)
        near.adopt(a_record(f"there-{number}"))
    assert all(near.is_buried(f"gone-{number}") for number in range(100))
