"""Caches that are wrong about tombstones, each in one way, with the test of the contract that tells."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import replace

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome
from tests.testing.plain_cache import PlainCache, Row
from tests.testing.wrong_caches import RACE_SECONDS, told_by

__all__: list[str] = []


@told_by("test_bury")
class Deletes(PlainCache):
    """Leaves no tombstone."""

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Delete."""
        self.rows.pop(key, None)


@told_by("test_bury_nothing")
class BuriesOnlyWhatIsThere(PlainCache):
    """Leaves no tombstone where nothing was."""

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Bury what is there."""
        if self.row(key) is not None:
            super().bury(key, ttl_seconds=ttl_seconds)


@told_by("test_bury_twice")
class DigsUpAgain(PlainCache):
    """A second burial undoes the first."""

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Bury or dig up."""
        row = self.row(key)
        super().bury(key, ttl_seconds=ttl_seconds)
        if row is not None and row.value is None:
            del self.rows[key]


@told_by("test_nothing_created_over_it")
class SavesOverTombstones(PlainCache):
    """A tombstone counts as an entry of version 0."""

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """Let the higher version win, over tombstones too."""
        row = self.row(key)
        if row is not None and row.value is None and create:
            del self.rows[key]
        return super().save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease)


@told_by("test_nothing_updated_over_it")
class CallsTheBuriedMissing(PlainCache):
    """Does not tell an update that there is a tombstone."""

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """Say less."""
        outcome = super().save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease)
        return SaveOutcome.MISSING if outcome is SaveOutcome.BURIED and not create else outcome


@told_by("test_nothing_saved_over_it_with_a_lease")
class TrustsLeases(PlainCache):
    """Lets the holder of a lease write over a tombstone."""

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """Let the holder in."""
        row = self.row(key)
        if row is not None and row.value is None and lease is not None:
            del self.rows[key]
        return super().save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lease=lease)


@told_by("test_outlives_entry")
class BuriesForAsLongAsTheEntry(PlainCache):
    """A tombstone ends when the entry would have."""

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Keep the end."""
        row = self.row(key)
        super().bury(key, ttl_seconds=ttl_seconds)
        if row is not None:
            self.rows[key] = replace(self.rows[key], ends_at=row.ends_at)


@told_by("test_dies_at_last")
class BuriesForEver(PlainCache):
    """A tombstone never ends."""

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Bury for ever."""
        super().bury(key, ttl_seconds=math.inf)


@told_by("test_never_pushed_out")
class PushesTombstonesOut(PlainCache):
    """Tombstones are pushed out by size, as entries are."""

    def make_room(self, names: list[str]) -> None:
        """Push the oldest out, whatever it is."""
        super().make_room(list(self.rows))


@told_by("test_takes_no_room")
class LetsTombstonesTakeRoom(PlainCache):
    """Tombstones count towards the size, and entries make way for them."""

    def make_room(self, names: list[str]) -> None:
        """Push entries out until all fits."""
        for name in names[: max(0, len(self.rows) - self.size)]:
            del self.rows[name]


@told_by("test_wins_over_threads")
class BuriesWithoutALock(PlainCache):
    """A save that is under way writes over a tombstone."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.lock = contextlib.nullcontext()

    def put(self, key: str, row: Row) -> None:
        """Let another thread come between."""
        time.sleep(RACE_SECONDS if row.value is not None else 0)
        super().put(key, row)
