"""What one process remembers of sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from fotoweb_middleware.model import Session
from fotoweb_middleware.testing import FakeClock
from tests.site.samples import ANNA, NOW, a_near, a_record, adopted


def test_adopt() -> None:
    """A session that was adopted is found by its id."""
    near = a_near()
    assert near.adopt(a_record()) is near.find("session-1")


def test_find_nothing() -> None:
    """An unknown session is not found."""
    assert a_near().find("session-1") is None


def test_session_for_app() -> None:
    """The app gets token, type, expiry and user, and no refresh token."""
    assert adopted().current.session == Session("access-1", "bearer", NOW + 3600, ANNA)


def test_higher_version_wins() -> None:
    """A higher version takes the place of a lower one, in the same object that cookies point to."""
    near = a_near()
    held = near.adopt(a_record(version=1))
    again = near.adopt(a_record(version=2))
    assert (again is held, held.record.version, held.current.session.access_token) == (True, 2, "access-2")


@pytest.mark.parametrize("version", [1, 2])
def test_lower_version_loses(version: int) -> None:
    """The same or a lower version changes nothing (R-CS11)."""
    near = a_near()
    held = near.adopt(a_record(version=2))
    held.failures = 3
    near.adopt(a_record(version=version, access_token="late"))
    assert (held.record.version, held.current.session.access_token, held.failures) == (2, "access-2", 3)


def test_recheck_at() -> None:
    """An adopted session is checked against the shared cache after FOTOWEB_CACHE_RECHECK."""
    assert adopted(a_near(clock=lambda: 100.0)).recheck_at == 105.0


def test_checked() -> None:
    """Once checked it is left alone for as long again."""
    clock = FakeClock(100.0)
    near = a_near(clock=clock)
    held = adopted(near)
    clock.advance(30)
    near.note_checked(held)
    assert held.recheck_at == 135.0


def test_seen() -> None:
    """A cookie value that was verified leads to its session, with the version that it carries."""
    near = a_near()
    held = adopted(near)
    near.remember("raw", held, 1)
    seen = near.seen("raw")
    assert seen is not None
    assert (seen.held, seen.version) == (held, 1)


def test_never_seen() -> None:
    """A cookie value that nobody verified leads nowhere."""
    assert a_near().seen("raw") is None


def test_seen_follows_refresh() -> None:
    """An old cookie value leads to the newest version of its session."""
    near = a_near()
    near.remember("raw", adopted(near), 1)
    near.adopt(a_record(version=2))
    seen = near.seen("raw")
    assert seen is not None
    assert seen.held.record.version == 2


def test_buried() -> None:
    """A session that was ended is found neither by its id nor by its cookies."""
    near = a_near()
    held = adopted(near)
    near.remember("raw", held, 1)
    near.bury("session-1", 60)
    assert (near.find("session-1"), near.seen("raw"), held.live) == (None, None, False)


def test_buried_is_told() -> None:
    """What was ended can be told from what was forgotten."""
    near = a_near()
    near.bury("session-1", 60)
    assert (near.is_buried("session-1"), near.is_buried("session-2")) == (True, False)


def test_size() -> None:
    """No more sessions are held than asked for."""
    near = a_near(size=3)
    for number in range(5):
        near.adopt(a_record(f"s{number}"))
    assert [number for number in range(5) if near.find(f"s{number}")] == [2, 3, 4]


def test_cookie_that_comes_keeps_its_session() -> None:
    """A session that was looked for in the server cache again, as one in use is, is pushed out after one that was not.

    To see a cookie does not count: that would need the lock.
    """
    near = a_near(size=2)
    busy, idle = near.adopt(a_record(session_id="busy")), near.adopt(a_record(session_id="idle"))
    near.remember("cookie", busy, 1)
    near.adopt(busy.record)

    near.adopt(a_record(session_id="new"))

    assert (busy.live, idle.live) == (True, False)


def test_pushed_out_is_not_live() -> None:
    """A session that was pushed out of memory decides nothing any more, though its cookie is remembered."""
    near = a_near(size=1)
    held = near.adopt(a_record("s1"))
    near.remember("raw", held, 1)
    near.adopt(a_record("s2"))
    assert (held.live, near.seen("raw")) == (False, None)


def test_pushed_out_comes_back_anew() -> None:
    """A session that was pushed out and comes back is held in a new object."""
    near = a_near(size=1)
    old = near.adopt(a_record("s1", version=5))
    near.adopt(a_record("s2"))
    new = near.adopt(a_record("s1", version=1))
    assert (new is old, new.live, new.record.version, old.record.version) == (False, True, 1, 5)


def test_dead_is_replaced() -> None:
    """A session that is no longer live is not given a new version, but a new place."""
    near = a_near()
    old = near.adopt(a_record(version=1))
    old.live = False
    assert near.find("session-1") is None
    assert near.adopt(a_record(version=2)).live


def test_cookies_bounded() -> None:
    """Two cookies a session are remembered, the old and the new one; garbage can't fill the memory (R-RL2)."""
    near = a_near(size=5)
    held = adopted(near)
    for number in range(1000):
        near.remember(f"raw-{number}", held, 1)
    near.remember("raw-999", held, 1)
    assert [number for number in range(1000) if near.seen(f"raw-{number}")] == [998, 999]
    assert len(near.by_identity) == 2


@pytest.mark.parametrize("end", ["buried", "pushed out", "found dead"])
def test_cookies_go_with_their_session(end: str) -> None:
    """Of a session that is not held any more no cookie stays in memory."""
    near = a_near(size=1)
    held = adopted(near)
    near.remember("raw-1", held, 1)
    near.remember("raw-2", held, 2)
    if end == "buried":
        near.bury("session-1", 60)
    elif end == "pushed out":
        near.adopt(a_record("session-2"))
    else:
        held.live = False
        near.adopt(a_record())

    assert (near.by_identity, held.live) == ({}, False)


def test_nothing_is_remembered_of_the_dead() -> None:
    """A cookie that was opened while its session ended is not remembered."""
    near = a_near()
    held = adopted(near)
    near.bury("session-1", 60)
    near.remember("raw", held, 1)
    assert near.by_identity == {}


def test_no_secret_in_repr() -> None:
    """Neither tokens nor ids stand in a repr."""
    near = a_near()
    held = adopted(near, session_id="S3CR3T", access_token="S3CR3T", refresh_token="S3CR3T")
    near.remember("S3CR3T", held, 1)
    assert "S3CR3T" not in repr([held, near.seen("S3CR3T"), near])


def test_new_version_is_checked() -> None:
    """A session that just got a new version is not checked again at once."""
    clock = FakeClock(100.0)
    near = a_near(clock=clock)
    held = near.adopt(a_record(version=1))
    clock.advance(30)
    near.adopt(a_record(version=2))
    assert held.recheck_at == 135.0


def at_once(*works: Callable[[], object]) -> None:
    """Run each in a thread of its own, all started together."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        start.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(run, works))


def test_threads_highest_version() -> None:
    """Whatever order threads adopt in, the highest version stays, with its own token."""
    near = a_near()
    at_once(*(lambda n=n: [near.adopt(a_record(version=v)) for v in range(n, 400, 8)] for n in range(1, 9)))
    held = near.find("session-1")
    assert held is not None
    assert (held.record.version, held.current.session.access_token) == (399, "access-399")


def test_threads_bury_wins() -> None:
    """Whatever threads adopt while a session is ended, it is ended in the end."""
    near = a_near()

    def adopt() -> None:
        for version in range(200):
            near.adopt(a_record(version=version))

    at_once(adopt, adopt, adopt, lambda: near.bury("session-1", 60))
    assert near.find("session-1") is None


def test_threads_hammer() -> None:
    """Many threads at everything at once break nothing, and no cookie ever leads to another's session (R-TE17)."""
    near = a_near(size=4)
    wrong = []

    def hammer(own: str) -> None:
        for version in range(300):
            near.remember(f"raw-{own}", near.adopt(a_record(own, version)), version)
            seen = near.seen(f"raw-{own}")
            if seen is not None and seen.held.record.session_id != own:
                wrong.append(own)
            if version % 50 == 0:
                near.bury(f"{own}-old", 60)

    at_once(*(lambda n=n: hammer(f"s{n}") for n in range(8)))
    assert wrong == []
