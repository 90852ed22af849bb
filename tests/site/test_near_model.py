"""The near cache, whatever is done to it, does what a plain dictionary would do that never puts anybody to rest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fotoweb_middleware.model import SessionRecord
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.testing import FakeClock
from tests.site.samples import NOW, a_near, a_record

IDS = ["a", "b", "c", "d", "e", "f"]
RECHECK_SECONDS = 5.0


@dataclass(frozen=True)
class Known:
    """What should be known of one session."""

    record: SessionRecord
    recheck_at: float
    by_handle: bool = False
    failures: int = 0
    retry_at: float = float("-inf")
    operator_error: str | None = None
    spent: bool = False
    is_saved: bool = True


def known_of(held: Held) -> Known:
    """Return what is known of one session."""
    current = held.current
    return Known(
        held.record,
        held.recheck_at,
        held.by_handle,
        held.failures,
        held.retry_at,
        held.operator_error,
        current.spent,
        current.is_saved,
    )


@dataclass
class Plain:
    """What a near cache promises, without rest, locks or signatures.

    Attributes:
        size: Most sessions.
        sessions: By id, the one not used for longest first.
        buried: Those that ended.
    """

    size: int
    sessions: dict[str, Known] = field(default_factory=dict)
    buried: set[str] = field(default_factory=set)

    def find(self, session_id: str) -> Known | None:
        """Return a session, now the one used last."""
        known = self.sessions.pop(session_id, None)
        if known is not None:
            self.sessions[session_id] = known
        return known

    def adopt(self, record: SessionRecord, now: float) -> Known | None:
        """Keep the highest version; None: it has ended."""
        if record.session_id in self.buried:
            return None
        known = self.find(record.session_id)
        if known is None:
            known = Known(record, now + RECHECK_SECONDS)
        elif record.version > known.record.version:
            is_note = record.tokens == known.record.tokens
            newer = Known(record, now + RECHECK_SECONDS, known.by_handle)
            known = replace(known, record=record, recheck_at=newer.recheck_at, is_saved=True) if is_note else newer
        self.sessions[record.session_id] = known
        if len(self.sessions) > self.size:
            del self.sessions[next(iter(self.sessions))]
        return known

    def note(self, session_id: str, **changes: Any) -> None:
        """Note something of a session, if it is known."""
        known = self.find(session_id)
        if known is not None:
            self.sessions[session_id] = replace(known, **changes)


class Trial:
    """The near cache and the plain one, side by side.

    Attributes:
        old: Every object that anybody was ever given, by session: threads may still have it.
        newest: The highest version there ever was, by session: what a server cache may hold.
    """

    def __init__(self, size: int, awake: int) -> None:
        self.clock = FakeClock(0.0)
        self.near = a_near(size, self.clock, least_awake=awake, is_complete=True)
        self.plain = Plain(size)
        self.old: dict[str, list[Held]] = {session_id: [] for session_id in IDS}
        self.newest: dict[str, int] = {}
        self.signatures = 0

    def adopt(self, session_id: str, number: int) -> None:
        """A version comes; two of them in a row carry the same tokens."""
        tokens = number // 2
        record = a_record(session_id, number, access_token=f"a{tokens}", refresh_token=f"r{tokens}")
        expected = self.plain.adopt(record, self.clock())
        self.newest[session_id] = max(number, self.newest.get(session_id, 0))
        held = self.near.adopt(record)
        self.old[session_id].append(held)
        assert (known_of(held) if held.live else None) == expected

    def find(self, session_id: str, _number: int) -> None:
        """Somebody asks by the id."""
        expected = self.plain.find(session_id)
        held = self.near.find(session_id)
        self.old[session_id] += [held] if held else []
        assert (known_of(held) if held else None) == expected

    def remember(self, session_id: str, number: int) -> None:
        """Somebody opened a cookie, and has an object that may be an old one: the one that is known now knows it."""
        if not self.old[session_id]:
            return
        given = self.old[session_id][number % len(self.old[session_id])]
        version = number % 3 or None
        was_live = given.live
        self.signatures += 1
        held = self.near.remember(f"signature-{self.signatures}", given, version)
        seen = self.near.seen(f"signature-{self.signatures}")
        if session_id not in self.plain.sessions:
            assert (held, held.live, seen) == (given, False, None)
            return
        self.old[session_id].append(held)
        known = self.plain.sessions[session_id]
        if not was_live:
            self.plain.find(session_id)  # Only what must be woken counts as used.
        self.plain.sessions[session_id] = replace(known, by_handle=version is None)
        assert seen is not None
        assert (seen.held, seen.version, known_of(held)) == (held, version, self.plain.sessions[session_id])

    def meet(self, session_id: str, number: int) -> None:
        """A cookie comes whose session the shortcut may hold, where no more is known than the cookie says."""
        was_asked, number = bool(number % 2), number // 2 + 1  # Records begin with version 1.
        record = a_record(session_id, number, access_token=f"a{number // 2}", refresh_token=f"r{number // 2}")
        self.signatures += 1
        can_tell = was_asked or self.near.is_complete
        seen = self.near.meet(record, f"signature-{self.signatures}", NOW, was_asked=was_asked)
        known = None if session_id in self.plain.buried else self.plain.find(session_id)
        may_be_met = can_tell if known is None else known.record.version == number and known.is_saved
        if session_id in self.plain.buried or not may_be_met:
            assert seen is None
            return
        if known is None:
            self.plain.adopt(record, self.clock())
            self.newest[session_id] = max(number, self.newest.get(session_id, 0))
        met = replace(self.plain.sessions[session_id], recheck_at=self.clock() + RECHECK_SECONDS, by_handle=False)
        self.plain.sessions[session_id] = met
        assert seen is not None
        assert (known_of(seen.held), seen.version) == (met, number)
        self.old[session_id].append(seen.held)

    def fail(self, session_id: str, number: int) -> None:
        """A refresh fails."""
        noted = {"failures": number, "retry_at": number + 0.5, "operator_error": "invalid_client"}
        self.plain.note(session_id, **noted)
        held = self.near.find(session_id)
        for name, value in noted.items() if held else ():
            setattr(held, name, value)

    def spend(self, session_id: str, _number: int) -> None:
        """An expired token serves its one request."""
        self.plain.note(session_id, spent=True)
        held = self.near.find(session_id)
        if held is not None:
            held.current.spent = True

    def save(self, session_id: str, number: int) -> None:
        """The server cache did or did not take the newest version."""
        known = self.plain.sessions.get(session_id)
        if known is not None:
            self.plain.note(session_id, is_saved=bool(number % 2))
            self.near.note_saved(known.record, is_saved=bool(number % 2))

    def bury(self, session_id: str, _number: int) -> None:
        """A logout."""
        self.plain.sessions.pop(session_id, None)
        self.plain.buried.add(session_id)
        self.near.bury(session_id, 1e9)
        assert (self.near.is_buried(session_id), self.near.find(session_id)) == (True, None)

    def wait(self, _session_id: str, number: int) -> None:
        """Time passes."""
        self.clock.advance(number)

    def check(self) -> None:
        """The same are held, in the same order; of each one object at most decides, and cookies lead to that alone."""
        near = self.near
        assert [*near._resting, *near._by_id] == [*self.plain.sessions]
        assert len(near._by_id) <= near._most_awake
        alive = {session_id: held for session_id, held in near._by_id.items() if held.live}
        assert alive == dict(near._by_id)
        for session_id, objects in self.old.items():
            assert all(held is alive.get(session_id) for held in objects if held.live)
        if near.is_complete:  # Then no server cache of this process alone could tell more.
            known = {session_id: known.record.version for session_id, known in self.plain.sessions.items()}
            ended = dict.fromkeys(self.plain.buried)
            assert {**self.newest, **ended} == {**known, **ended}
        for seen in near.by_identity.values():
            assert seen.held is alive[seen.held.record.session_id]


OPERATIONS = (
    [Trial.adopt] * 3
    + [Trial.find] * 2
    + [Trial.remember, Trial.meet] * 2
    + [Trial.fail, Trial.spend, Trial.save, Trial.bury, Trial.wait]
)
steps = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(IDS), st.integers(0, 30)), min_size=1, max_size=60
)


@settings(max_examples=300, deadline=None)
@given(size=st.integers(1, 5), awake=st.integers(1, 3), script=steps)
def test_rest_changes_nothing(size: int, awake: int, script: list[tuple[Any, str, int]]) -> None:
    """Adopted, found, remembered, noted, ended, pushed out: every answer is that of a memory without rest."""
    trial = Trial(size, awake)
    for operation, session_id, number in script:
        operation(trial, session_id, number)
        trial.check()
