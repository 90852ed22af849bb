"""Caches that are wrong about leases, each in one way, with the test of the contract that has to tell."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import replace

from fotoweb_middleware.caches.protocol import Lease
from tests.testing.plain_cache import Out, PlainCache, Row
from tests.testing.wrong_caches import RACE_SECONDS, told_by

__all__: list[str] = []


@told_by("test_one_lease")
class LeasesToEverybody(PlainCache):
    """A lease excludes nobody."""

    def is_out(self, key: str) -> bool:
        """Never."""
        return False


@told_by("test_lease_of_another_key")
class LeasesOneForAll(PlainCache):
    """Whoever holds any lease keeps everybody waiting."""

    def is_out(self, key: str) -> bool:
        """Look at all."""
        return any(super(LeasesOneForAll, self).is_out(other) for other in self.out)


@told_by("test_lease_names_key")
class CountsFromZero(PlainCache):
    """The first fence is 0, which stands for none."""

    def next_fence(self, key: str) -> int:
        """Begin at 0."""
        return super().next_fence(key) - 1


@told_by("test_lease_freed")
class FreesNothing(PlainCache):
    """A lease ends by its time alone."""

    def free_lease(self, lease: Lease) -> None:
        """Do nothing."""


@told_by("test_lease_freed_by_stranger")
class FreesForAnybody(PlainCache):
    """Anybody can give up a lease."""

    def free_lease(self, lease: Lease) -> None:
        """Ask nobody."""
        self.out.pop(lease.key, None)


@told_by("test_lease_freed_without_any")
class RaisesWhereNothingIsFreed(PlainCache):
    """Giving up what never was is an error."""

    def free_lease(self, lease: Lease) -> None:
        """Look without asking first."""
        if self.out[lease.key].owner == lease.owner:
            del self.out[lease.key]


@told_by("test_lease_freed_late")
class OneOwnerForAll(PlainCache):
    """All leases have the same owner, so a late holder frees its successor's."""

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """Name the process."""
        lease = super().take_lease(key, ttl_seconds=ttl_seconds)
        if lease is not None:
            lease = replace(lease, owner="this process")
            self.out[key] = Out(lease.owner, self.ends_at(ttl_seconds))
        return lease


@told_by("test_owners_differ")
class OwnersByFence(OneOwnerForAll):
    """The same, told by the names alone."""


@told_by("test_lease_lasts")
class LeasesTooShort(PlainCache):
    """A lease ends after a tenth of its time."""

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """Cut the time."""
        return super().take_lease(key, ttl_seconds=ttl_seconds / 10)


@told_by("test_lease_ends")
class LeasesForEver(PlainCache):
    """A lease never ends: the session of a holder that died is stuck."""

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """Forget the time."""
        return super().take_lease(key, ttl_seconds=math.inf)


@told_by("test_asking_does_not_prolong")
class ProlongsByAsking(PlainCache):
    """Whoever asks in vain prolongs the lease."""

    def is_out(self, key: str) -> bool:
        """Prolong by the way."""
        is_out = super().is_out(key)
        if is_out:
            self.out[key] = replace(self.out[key], ends_at=self.ends_at(60))
        return is_out


@told_by("test_fence_rises")
class StandsStill(PlainCache):
    """All leases have the same fence."""

    def next_fence(self, key: str) -> int:
        """Count nothing."""
        return 1


@told_by("test_fence_rises_over_a_long_pause")
class ForgetsTheCount(PlainCache):
    """Counts the leases of a key, and forgets the count after a while."""

    def next_fence(self, key: str) -> int:
        """Count under a key of its own, for ten minutes."""
        row = self.row(f"fence of {key}")
        fence = row.fence + 1 if row is not None else 1
        self.rows[f"fence of {key}"] = Row(b"", 0, fence, self.ends_at(600))
        return fence


@told_by("test_lease_is_no_entry")
class KeepsLeasesAmongEntries(PlainCache):
    """A lease shows as an entry."""

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """Write an entry."""
        lease = super().take_lease(key, ttl_seconds=ttl_seconds)
        if lease is not None and self.row(key) is None:
            self.put(key, Row(lease.owner.encode(), 0, 0, self.ends_at(ttl_seconds)))
        return lease


@told_by("test_never_pushed_out")
class PushesLeasesOut(PlainCache):
    """Entries that come in push leases out."""

    def make_room(self, names: list[str]) -> None:
        """Make room everywhere."""
        super().make_room(names)
        if len(names) > self.size:
            self.out.clear()


@told_by("test_save_with_older_fence")
class LooksAtNoFence(PlainCache):
    """The version decides alone."""

    def is_late(self, made: Row, row: Row, lease: Lease | None) -> bool:
        """Never."""
        return False


@told_by("test_save_with_lease_of_lower_version")
class LooksAtTheFenceAlone(PlainCache):
    """With a lease the version decides nothing."""

    def is_older(self, made: Row, row: Row) -> bool:
        """Ask only those without a lease."""
        return made.fence == 0 and super().is_older(made, row)


@told_by("test_save_without_lease")
class WantsALeaseOnceThereWasOne(PlainCache):
    """Who writes under no lease has the fence 0, and is always late."""

    def is_late(self, made: Row, row: Row, lease: Lease | None) -> bool:
        """Compare, whatever it is."""
        return made.fence < row.fence


@told_by("test_save_without_lease_keeps_fence")
class ForgetsTheFence(PlainCache):
    """A save under no lease sets the fence back to 0."""

    def following(self, made: Row, row: Row) -> Row:
        """Keep nothing."""
        return made


@told_by("test_one_holder_at_a_time")
class LeasesToEverySecond(PlainCache):
    """Excludes only one of two who ask one after the other."""

    asked = 0

    def is_out(self, key: str) -> bool:
        """Let every second in."""
        self.asked += 1
        return super().is_out(key) and self.asked % 2 == 0


@told_by("test_one_lease_over_threads")
class LeasesWithoutALock(PlainCache):
    """Lets another thread come between looking and taking."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.lock = contextlib.nullcontext()

    def is_out(self, key: str) -> bool:
        """Look, then wait."""
        is_out = super().is_out(key)
        time.sleep(RACE_SECONDS)
        return is_out
