"""Stores that are wrong about revocations, each in one way, with the test of the contract that tells."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import replace

from fotoweb_middleware.stores.base import SaveOutcome, StoreLock
from tests.testing.plain_store import PlainStore, Row
from tests.testing.wrong_stores import let_another_come_between, told_by

__all__: list[str] = []


@told_by("test_revoke")
class Deletes(PlainStore):
    """Leaves no revocation."""

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Delete."""
        self.rows.pop(key, None)


@told_by("test_revoke_nothing")
class RevokesOnlyWhatIsThere(PlainStore):
    """Leaves no revocation where nothing was."""

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Revoke what is there."""
        if self.row(key) is not None:
            super().revoke(key, ttl_seconds=ttl_seconds)


@told_by("test_revoke_twice")
class UndoesTheFirst(PlainStore):
    """A second revocation undoes the first."""

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Revoke, or undo it."""
        row = self.row(key)
        super().revoke(key, ttl_seconds=ttl_seconds)
        if row is not None and row.value is None:
            del self.rows[key]


@told_by("test_nothing_created_over_it")
class SavesOverRevocations(PlainStore):
    """A revocation counts as an entry of version 0."""

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """Let the higher version win, over revocations too."""
        row = self.row(key)
        if row is not None and row.value is None and create:
            del self.rows[key]
        return super().save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lock=lock)


@told_by("test_nothing_updated_over_it")
class CallsTheRevokedMissing(PlainStore):
    """Does not tell an update that there is a revocation."""

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """Say less."""
        outcome = super().save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lock=lock)
        return SaveOutcome.MISSING if outcome is SaveOutcome.REVOKED and not create else outcome


@told_by("test_nothing_saved_over_it_with_a_lock")
class TrustsLocks(PlainStore):
    """Lets the holder of a lock write over a revocation."""

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """Let the holder in."""
        row = self.row(key)
        if row is not None and row.value is None and lock is not None:
            del self.rows[key]
        return super().save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lock=lock)


@told_by("test_outlives_entry")
class RevokesForAsLongAsTheEntry(PlainStore):
    """A revocation ends when the entry would have."""

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Keep the end."""
        row = self.row(key)
        super().revoke(key, ttl_seconds=ttl_seconds)
        if row is not None:
            self.rows[key] = replace(self.rows[key], ends_at=row.ends_at)


@told_by("test_dies_at_last")
class RevokesForEver(PlainStore):
    """A revocation never ends."""

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Revoke for ever."""
        super().revoke(key, ttl_seconds=math.inf)


@told_by("test_never_pushed_out")
class PushesRevocationsOut(PlainStore):
    """Revocations are pushed out by size, as entries are."""

    def evict_login_cookies(self, names: list[str]) -> None:
        """Push the oldest out, whatever it is."""
        super().evict_login_cookies(list(self.rows))


@told_by("test_takes_no_room")
class LetsRevocationsTakeRoom(PlainStore):
    """Revocations count towards the size, and entries make way for them."""

    def evict_login_cookies(self, names: list[str]) -> None:
        """Push entries out until all fits."""
        for name in names[: max(0, len(self.rows) - self.size)]:
            del self.rows[name]


@told_by("test_wins_over_threads")
class RevokesWithoutALock(PlainStore):
    """A save that is under way writes over a revocation."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.mutex = contextlib.nullcontext()

    def put(self, key: str, row: Row) -> None:
        """Let another thread come between."""
        if row.value is not None:
            let_another_come_between()
        super().put(key, row)
