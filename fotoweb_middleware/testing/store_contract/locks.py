"""What a store promises of locks."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

import time
from dataclasses import replace

from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock
from fotoweb_middleware.testing.store_contract.trial import Promises, StoreTrial, at_once

__all__ = ["Locks"]


class Locks(Promises):
    """What a store promises of locks."""

    def take(self, trial: StoreTrial, key: str = "k", units: float = 1) -> StoreLock:
        """Take a lock that must be free."""
        lock = trial.store.acquire_lock(key, ttl_seconds=self.unit_seconds * units)
        assert lock is not None
        return lock

    def is_free(self, trial: StoreTrial, key: str = "k") -> bool:
        """Return whether a lock can be had; it is then taken."""
        return trial.store.acquire_lock(key, ttl_seconds=self.unit_seconds) is not None

    def test_lock_names_key(self, trial: StoreTrial) -> None:
        """A lock names its key and has a fence above 0, which stands for none."""
        lock = self.take(trial)
        assert (lock.key, lock.fence > 0) == ("k", True)

    def test_one_lock(self, trial: StoreTrial) -> None:
        """While a lock is held nobody else gets one on its key."""
        self.take(trial)
        assert not self.is_free(trial)

    def test_lock_of_another_key(self, trial: StoreTrial) -> None:
        """A lock covers its own key and no other."""
        self.take(trial)
        assert self.is_free(trial, "k2")

    def test_lock_released(self, trial: StoreTrial) -> None:
        """A lock that was given up can be had again."""
        trial.store.release_lock(self.take(trial))
        assert self.is_free(trial)

    def test_lock_released_twice(self, trial: StoreTrial) -> None:
        """Giving up a lock that has passed to somebody else does nothing."""
        lock = self.take(trial)
        trial.store.release_lock(lock)
        self.take(trial)
        trial.store.release_lock(lock)
        assert not self.is_free(trial)

    def test_lock_released_by_somebody_else(self, trial: StoreTrial) -> None:
        """Only the holder can give a lock up."""
        trial.store.release_lock(replace(self.take(trial), owner="somebody else"))
        assert not self.is_free(trial)

    def test_lock_released_without_any(self, trial: StoreTrial) -> None:
        """Giving up a lock that never was does nothing."""
        trial.store.release_lock(StoreLock("k", "somebody else", 1))
        assert self.is_free(trial)

    def test_lock_lasts(self, trial: StoreTrial) -> None:
        """A lock lasts for its time."""
        self.take(trial)
        trial.advance(self.unit_seconds / 2)
        assert not self.is_free(trial)

    def test_lock_ends(self, trial: StoreTrial) -> None:
        """A lock ends by itself: its holder may have died."""
        self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        assert self.is_free(trial)

    def test_asking_does_not_prolong(self, trial: StoreTrial) -> None:
        """Asking for a lock in vain does not prolong it: many ask again and again."""
        self.take(trial)
        frees = []
        for _ in range(3):
            trial.advance(self.unit_seconds * 0.4)
            frees.append(self.is_free(trial))
        assert frees == [False, False, True]

    def test_lock_released_late(self, trial: StoreTrial) -> None:
        """A holder that comes back late does not give up its successor's lock."""
        late = self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        self.take(trial)
        trial.store.release_lock(late)
        assert not self.is_free(trial)

    def test_owners_differ(self, trial: StoreTrial) -> None:
        """Every lock has an owner of its own."""
        locks = [self.take(trial, f"k{number}") for number in range(10)]
        assert len({lock.owner for lock in locks}) == 10

    def test_fence_rises(self, trial: StoreTrial) -> None:
        """The fence rises with every lock of a key, given up or ended."""
        fences = []
        for _ in range(3):
            lock = self.take(trial)
            fences.append(lock.fence)
            trial.store.release_lock(lock)
        self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        fences.append(self.take(trial).fence)
        assert fences == sorted(set(fences))

    def test_fence_rises_over_a_long_pause(self, trial: StoreTrial) -> None:
        """The fence rises also where no lock was taken for long."""
        first = self.take(trial, units=0.5)
        trial.advance(self.unit_seconds * 50)
        assert self.take(trial).fence > first.fence

    def test_lock_is_no_entry(self, trial: StoreTrial) -> None:
        """A lock on a key does not show under the key."""
        self.take(trial)
        assert trial.store.load("k") is None

    def test_save_with_lock(self, trial: StoreTrial) -> None:
        """The holder of the newest lock writes."""
        self.write(trial, b"v", 1)
        outcome = self.write(trial, b"w", 2, create=False, lock=self.take(trial))
        assert (outcome, trial.store.load("k")) == (SaveOutcome.SAVED, StoredEntry(b"w", 2))

    def test_save_with_lock_of_lower_version(self, trial: StoreTrial) -> None:
        """A lock does not help a version that is not higher."""
        self.write(trial, b"v", 2)
        assert self.write(trial, b"w", 2, lock=self.take(trial)) is SaveOutcome.NEWER

    def test_save_with_older_fence(self, trial: StoreTrial) -> None:
        """Who held the lock before the last writer comes too late, whatever the version."""
        late = self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        self.write(trial, b"newer", 2, lock=self.take(trial))
        outcome = self.write(trial, b"late", 3, lock=late)
        assert (outcome, trial.store.load("k")) == (SaveOutcome.NEWER, StoredEntry(b"newer", 2))

    def test_save_without_lock(self, trial: StoreTrial) -> None:
        """A save under no lock is judged by its version alone."""
        self.write(trial, b"v", 2, lock=self.take(trial))
        assert self.write(trial, b"w", 3) is SaveOutcome.SAVED

    def test_save_without_lock_keeps_fence(self, trial: StoreTrial) -> None:
        """A save under no lock does not let an older fence in again."""
        late = self.take(trial)
        trial.advance(self.unit_seconds * 1.1)
        self.write(trial, b"newer", 2, ttl_seconds=self.unit_seconds * 9, lock=self.take(trial))
        self.write(trial, b"noted", 3, ttl_seconds=self.unit_seconds * 9)
        assert self.write(trial, b"late", 4, lock=late) is SaveOutcome.NEWER

    def test_one_lock_over_threads(self, trial: StoreTrial) -> None:
        """Of several threads that ask at once, one gets the lock."""
        locks = at_once(lambda _: trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds))
        assert len([lock for lock in locks if lock is not None]) == 1

    def test_one_holder_at_a_time(self, trial: StoreTrial) -> None:
        """Threads that take and free in turn never hold the lock together."""
        inside, together = [0], []

        def hold(_: int) -> None:
            for _turn in range(10):
                lock = trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds)
                if lock is not None:
                    inside[0] += 1
                    together.append(inside[0])
                    time.sleep(0.001)  # Time enough for another thread to come in, where it can.
                    inside[0] -= 1
                    trial.store.release_lock(lock)

        at_once(hold)
        assert set(together) == {1}
