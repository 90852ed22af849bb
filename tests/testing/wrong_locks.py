"""Stores that are wrong about locks, each in one way, with the test of the contract that has to tell."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import replace

from fotoweb_middleware.stores.base import StoreLock
from tests.testing.plain_store import Out, PlainStore, Row
from tests.testing.wrong_stores import let_another_come_between, told_by

__all__: list[str] = []


@told_by("test_one_lock")
class LocksToEverybody(PlainStore):
    """A lock excludes nobody."""

    def is_out(self, key: str) -> bool:
        """Never."""
        return False


@told_by("test_lock_of_another_key")
class LocksOneForAll(PlainStore):
    """Holding any lock keeps everybody waiting."""

    def is_out(self, key: str) -> bool:
        """Look at all."""
        return any(super(LocksOneForAll, self).is_out(other) for other in self.out)


@told_by("test_lock_names_key")
class CountsFromZero(PlainStore):
    """The first fence is 0, which stands for none."""

    def next_fence(self, key: str) -> int:
        """Begin at 0."""
        return super().next_fence(key) - 1


@told_by("test_lock_released")
class FreesNothing(PlainStore):
    """A lock ends by its time alone."""

    def release_lock(self, lock: StoreLock) -> None:
        """Do nothing."""


@told_by("test_lock_released_by_somebody_else")
class FreesForAnybody(PlainStore):
    """Anybody can give up a lock."""

    def release_lock(self, lock: StoreLock) -> None:
        """Ask nobody."""
        self.out.pop(lock.key, None)


@told_by("test_lock_released_without_any")
class RaisesWhereNothingIsFreed(PlainStore):
    """Giving up what never was is an error."""

    def release_lock(self, lock: StoreLock) -> None:
        """Look without asking first."""
        if self.out[lock.key].owner == lock.owner:
            del self.out[lock.key]


@told_by("test_lock_released_late")
class OneOwnerForAll(PlainStore):
    """All locks have the same owner, so a late holder frees its successor's."""

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Name the process."""
        lock = super().acquire_lock(key, ttl_seconds=ttl_seconds)
        if lock is not None:
            lock = replace(lock, owner="this process")
            self.out[key] = Out(lock.owner, self.ends_at(ttl_seconds))
        return lock


@told_by("test_owners_differ")
class OwnersByFence(OneOwnerForAll):
    """The same, told by the names alone."""


@told_by("test_lock_lasts")
class LocksTooShort(PlainStore):
    """A lock ends after a tenth of its time."""

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Cut the time."""
        return super().acquire_lock(key, ttl_seconds=ttl_seconds / 10)


@told_by("test_lock_ends")
class LocksForEver(PlainStore):
    """A lock never ends: the session of a holder that died is stuck."""

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Forget the time."""
        return super().acquire_lock(key, ttl_seconds=math.inf)


@told_by("test_asking_does_not_prolong")
class ProlongsByAsking(PlainStore):
    """Asking in vain prolongs the lock."""

    def is_out(self, key: str) -> bool:
        """Prolong by the way."""
        is_out = super().is_out(key)
        if is_out:
            self.out[key] = replace(self.out[key], ends_at=self.ends_at(60))
        return is_out


@told_by("test_fence_rises")
class StandsStill(PlainStore):
    """All locks have the same fence."""

    def next_fence(self, key: str) -> int:
        """Count nothing."""
        return 1


@told_by("test_fence_rises_over_a_long_pause")
class ForgetsTheCount(PlainStore):
    """Counts the locks of a key, and forgets the count after a while."""

    def next_fence(self, key: str) -> int:
        """Count under a key of its own, for ten minutes."""
        row = self.row(f"fence of {key}")
        fence = row.fence + 1 if row is not None else 1
        self.rows[f"fence of {key}"] = Row(b"", 0, fence, self.ends_at(600))
        return fence


@told_by("test_lock_is_no_entry")
class KeepsLocksAmongEntries(PlainStore):
    """A lock shows as an entry."""

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Write an entry."""
        lock = super().acquire_lock(key, ttl_seconds=ttl_seconds)
        if lock is not None and self.row(key) is None:
            self.put(key, Row(lock.owner.encode(), 0, 0, self.ends_at(ttl_seconds)))
        return lock


@told_by("test_never_pushed_out")
class PushesLocksOut(PlainStore):
    """Entries that come in push locks out."""

    def evict_login_cookies(self, names: list[str]) -> None:
        """Make room everywhere."""
        super().evict_login_cookies(names)
        if len(names) > self.size:
            self.out.clear()


@told_by("test_save_with_older_fence")
class LooksAtNoFence(PlainStore):
    """The version decides alone."""

    def is_late(self, made: Row, row: Row, lock: StoreLock | None) -> bool:
        """Never."""
        return False


@told_by("test_save_with_lock_of_lower_version")
class LooksAtTheFenceAlone(PlainStore):
    """With a lock the version decides nothing."""

    def is_older(self, made: Row, row: Row) -> bool:
        """Ask only those without a lock."""
        return made.fence == 0 and super().is_older(made, row)


@told_by("test_save_without_lock")
class WantsALockOnceThereWasOne(PlainStore):
    """Who writes under no lock has the fence 0, and is always late."""

    def is_late(self, made: Row, row: Row, lock: StoreLock | None) -> bool:
        """Compare, whatever it is."""
        return made.fence < row.fence


@told_by("test_save_without_lock_keeps_fence")
class ForgetsTheFence(PlainStore):
    """A save under no lock sets the fence back to 0."""

    def following(self, made: Row, row: Row) -> Row:
        """Keep nothing."""
        return made


@told_by("test_one_holder_at_a_time")
class LocksToEverySecond(PlainStore):
    """Excludes only one of two who ask one after the other."""

    asked = 0

    def is_out(self, key: str) -> bool:
        """Let every second in."""
        self.asked += 1
        return super().is_out(key) and self.asked % 2 == 0


@told_by("test_one_lock_over_threads")
class LocksWithoutALock(PlainStore):
    """Lets another thread come between looking and taking."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.mutex = contextlib.nullcontext()

    def is_out(self, key: str) -> bool:
        """Look, then wait."""
        is_out = super().is_out(key)
        let_another_come_between()
        return is_out
