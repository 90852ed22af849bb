"""What a cache promises of leases."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

import time
from dataclasses import replace

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.testing.cache_contract.trial import CacheTrial, Promises, at_once

__all__ = ["Leases"]


class Leases(Promises):
    """What a cache promises of leases."""

    def take(self, trial: CacheTrial, key: str = "k", units: float = 1) -> Lease:
        """Take a lease that must be free."""
        lease = trial.cache.take_lease(key, ttl_seconds=self.unit_seconds * units)
        assert lease is not None
        return lease

    def is_free(self, trial: CacheTrial, key: str = "k") -> bool:
        """Return whether a lease can be had; it is then taken."""
        return trial.cache.take_lease(key, ttl_seconds=self.unit_seconds) is not None

    def test_lease_names_key(self, trial: CacheTrial) -> None:
        """A lease names its key and has a fence above 0, which stands for none."""
        lease = self.take(trial)
        assert (lease.key, lease.fence > 0) == ("k", True)

    def test_one_lease(self, trial: CacheTrial) -> None:
        """While a lease is out nobody else gets one on its key."""
        self.take(trial)
        assert not self.is_free(trial)

    def test_lease_of_another_key(self, trial: CacheTrial) -> None:
        """A lease covers its own key and no other."""
        self.take(trial)
        assert self.is_free(trial, "k2")

    def test_lease_freed(self, trial: CacheTrial) -> None:
        """A lease that was given up can be had again."""
        trial.cache.free_lease(self.take(trial))
        assert self.is_free(trial)

    def test_lease_freed_twice(self, trial: CacheTrial) -> None:
        """Giving up a lease that has passed to somebody else does nothing."""
        lease = self.take(trial)
        trial.cache.free_lease(lease)
        self.take(trial)
        trial.cache.free_lease(lease)
        assert not self.is_free(trial)

    def test_lease_freed_by_stranger(self, trial: CacheTrial) -> None:
        """Only the holder can give a lease up."""
        trial.cache.free_lease(replace(self.take(trial), owner="stranger"))
        assert not self.is_free(trial)

    def test_lease_freed_without_any(self, trial: CacheTrial) -> None:
        """Giving up a lease that never was does nothing."""
        trial.cache.free_lease(Lease("k", "stranger", 1))
        assert self.is_free(trial)

    def test_lease_lasts(self, trial: CacheTrial) -> None:
        """A lease lasts for its time."""
        self.take(trial)
        trial.advance(self.unit_seconds / 2)
        assert not self.is_free(trial)

    def test_lease_ends(self, trial: CacheTrial) -> None:
        """A lease ends by itself: its holder may have died."""
        self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        assert self.is_free(trial)

    def test_asking_does_not_prolong(self, trial: CacheTrial) -> None:
        """Asking for a lease in vain does not prolong it: many ask again and again."""
        self.take(trial)
        frees = []
        for _ in range(3):
            trial.advance(self.unit_seconds * 0.4)
            frees.append(self.is_free(trial))
        assert frees == [False, False, True]

    def test_lease_freed_late(self, trial: CacheTrial) -> None:
        """A holder that comes back late does not give up its successor's lease."""
        late = self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        self.take(trial)
        trial.cache.free_lease(late)
        assert not self.is_free(trial)

    def test_owners_differ(self, trial: CacheTrial) -> None:
        """Every lease has an owner of its own."""
        leases = [self.take(trial, f"k{number}") for number in range(10)]
        assert len({lease.owner for lease in leases}) == 10

    def test_fence_rises(self, trial: CacheTrial) -> None:
        """The fence rises with every lease of a key, given up or ended."""
        fences = []
        for _ in range(3):
            lease = self.take(trial)
            fences.append(lease.fence)
            trial.cache.free_lease(lease)
        self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        fences.append(self.take(trial).fence)
        assert fences == sorted(set(fences))

    def test_fence_rises_over_a_long_pause(self, trial: CacheTrial) -> None:
        """The fence rises also where no lease was taken for long."""
        first = self.take(trial, units=0.5)
        trial.advance(self.unit_seconds * 50)
        assert self.take(trial).fence > first.fence

    def test_lease_is_no_entry(self, trial: CacheTrial) -> None:
        """A lease on a key does not show under the key."""
        self.take(trial)
        assert trial.cache.load("k") is None

    def test_save_with_lease(self, trial: CacheTrial) -> None:
        """The holder of the newest lease writes."""
        self.write(trial, b"v", 1)
        outcome = self.write(trial, b"w", 2, create=False, lease=self.take(trial))
        assert (outcome, trial.cache.load("k")) == (SaveOutcome.SAVED, Stored(b"w", 2))

    def test_save_with_lease_of_lower_version(self, trial: CacheTrial) -> None:
        """A lease does not help a version that is not higher."""
        self.write(trial, b"v", 2)
        assert self.write(trial, b"w", 2, lease=self.take(trial)) is SaveOutcome.NEWER

    def test_save_with_older_fence(self, trial: CacheTrial) -> None:
        """Who held the lease before the last writer comes too late, whatever the version."""
        late = self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        self.write(trial, b"newer", 2, lease=self.take(trial))
        outcome = self.write(trial, b"late", 3, lease=late)
        assert (outcome, trial.cache.load("k")) == (SaveOutcome.NEWER, Stored(b"newer", 2))

    def test_save_without_lease(self, trial: CacheTrial) -> None:
        """A save under no lease is judged by its version alone."""
        self.write(trial, b"v", 2, lease=self.take(trial))
        assert self.write(trial, b"w", 3) is SaveOutcome.SAVED

    def test_save_without_lease_keeps_fence(self, trial: CacheTrial) -> None:
        """A save under no lease does not let an older fence in again."""
        late = self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        self.write(trial, b"newer", 2, ttl_seconds=self.unit_seconds * 9, lease=self.take(trial))
        self.write(trial, b"noted", 3, ttl_seconds=self.unit_seconds * 9)
        assert self.write(trial, b"late", 4, lease=late) is SaveOutcome.NEWER

    def test_one_lease_over_threads(self, trial: CacheTrial) -> None:
        """Of several threads that ask at once, one gets the lease."""
        leases = at_once(lambda _: trial.cache.take_lease("k", ttl_seconds=self.unit_seconds))
        assert len([lease for lease in leases if lease is not None]) == 1

    def test_one_holder_at_a_time(self, trial: CacheTrial) -> None:
        """Threads that take and free in turn never hold the lease together."""
        inside, together = [0], []

        def hold(_: int) -> None:
            for _turn in range(10):
                lease = trial.cache.take_lease("k", ttl_seconds=self.unit_seconds)
                if lease is not None:
                    inside[0] += 1
                    together.append(inside[0])
                    time.sleep(0.001)  # Time enough for another thread to come in, where it can.
                    inside[0] -= 1
                    trial.cache.free_lease(lease)

        at_once(hold)
        assert set(together) == {1}
