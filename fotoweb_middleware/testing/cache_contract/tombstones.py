"""What a cache promises of tombstones."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.testing.cache_contract.trial import THREADS, TOMBSTONE, CacheTrial, Promises, at_once

__all__ = ["Tombstones"]


class Tombstones(Promises):
    """What a cache promises of tombstones."""

    def test_bury(self, trial: CacheTrial) -> None:
        """A tombstone replaces the entry."""
        self.write(trial)
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        assert trial.cache.load("k") == TOMBSTONE

    def test_bury_nothing(self, trial: CacheTrial) -> None:
        """A tombstone also lies where nothing was: the entry may have been lost."""
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        assert trial.cache.load("k") == TOMBSTONE

    def test_bury_twice(self, trial: CacheTrial) -> None:
        """Burying what is buried changes nothing."""
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        assert trial.cache.load("k") == TOMBSTONE

    def test_nothing_created_over_it(self, trial: CacheTrial) -> None:
        """No save brings back what is buried, whatever its version."""
        self.write(trial)
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        outcome = self.write(trial, b"late", 10**12, create=True)
        assert (outcome, trial.cache.load("k")) == (SaveOutcome.BURIED, TOMBSTONE)

    def test_nothing_updated_over_it(self, trial: CacheTrial) -> None:
        """An update says that the entry is buried, not that it is missing."""
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        assert self.write(trial, b"late", 2, create=False) is SaveOutcome.BURIED

    def test_nothing_saved_over_it_with_a_lease(self, trial: CacheTrial) -> None:
        """A lease taken before is no key to the grave."""
        lease = trial.cache.take_lease("k", ttl_seconds=self.unit_seconds)
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        assert self.write(trial, b"late", 2, lease=lease) is SaveOutcome.BURIED

    def test_outlives_entry(self, trial: CacheTrial) -> None:
        """A tombstone outlives what it buried."""
        self.write(trial, ttl_seconds=self.unit_seconds)
        trial.cache.bury("k", ttl_seconds=self.unit_seconds * 3)
        trial.advance(self.unit_seconds * 2)
        assert trial.cache.load("k") == TOMBSTONE

    def test_dies_at_last(self, trial: CacheTrial) -> None:
        """A tombstone ends after its time, and then nothing stands in the way."""
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        trial.advance(self.unit_seconds * 1.1)
        assert (trial.cache.load("k"), self.write(trial)) == (None, SaveOutcome.SAVED)

    def test_never_pushed_out(self, trial: CacheTrial) -> None:
        """However many entries come, tombstones and leases stay."""
        trial.cache.bury("k", ttl_seconds=self.unit_seconds * 100)
        trial.cache.take_lease("l", ttl_seconds=self.unit_seconds * 100)
        for number in range(60):
            self.write(trial, key=f"session:{number}", ttl_seconds=self.unit_seconds * 100)
        assert (trial.cache.load("k"), trial.cache.take_lease("l", ttl_seconds=1)) == (TOMBSTONE, None)

    def test_takes_no_room(self, trial: CacheTrial) -> None:
        """However many tombstones come, an entry stays: they don't count towards the size."""
        self.write(trial, ttl_seconds=self.unit_seconds * 100)
        for number in range(60):
            trial.cache.bury(f"session:{number}", ttl_seconds=self.unit_seconds * 100)
        assert trial.cache.load("k") == Stored(b"v", 1)

    def test_wins_over_threads(self, trial: CacheTrial) -> None:
        """Whatever is written while it is buried, it is buried in the end."""

        def write_or_bury(number: int) -> None:
            for version in range(20):
                if (number, version) == (0, 10):
                    trial.cache.bury("k", ttl_seconds=self.unit_seconds * 100)
                self.write(trial, b"v", number + version * THREADS)

        at_once(write_or_bury)
        assert trial.cache.load("k") == TOMBSTONE
