"""What a store promises of revocations."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry
from fotoweb_middleware.testing.store_contract.trial import REVOKED, THREADS, Promises, StoreTrial, at_once

__all__ = ["Revocations"]


class Revocations(Promises):
    """What a store promises of revocations."""

    def test_revoke(self, trial: StoreTrial) -> None:
        """A revocation replaces the entry."""
        self.write(trial)
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        assert trial.store.load("k") == REVOKED

    def test_revoke_nothing(self, trial: StoreTrial) -> None:
        """A revocation also lies where nothing was: the entry may have been lost."""
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        assert trial.store.load("k") == REVOKED

    def test_revoke_twice(self, trial: StoreTrial) -> None:
        """Revoking what is revoked changes nothing."""
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        assert trial.store.load("k") == REVOKED

    def test_nothing_created_over_it(self, trial: StoreTrial) -> None:
        """No save brings back what is revoked, whatever its version."""
        self.write(trial)
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        outcome = self.write(trial, b"late", 10**12, create=True)
        assert (outcome, trial.store.load("k")) == (SaveOutcome.REVOKED, REVOKED)

    def test_nothing_updated_over_it(self, trial: StoreTrial) -> None:
        """An update says that the entry is revoked, not that it is missing."""
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        assert self.write(trial, b"late", 2, create=False) is SaveOutcome.REVOKED

    def test_nothing_saved_over_it_with_a_lock(self, trial: StoreTrial) -> None:
        """A lock acquired before does not help."""
        lock = trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds)
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        assert self.write(trial, b"late", 2, lock=lock) is SaveOutcome.REVOKED

    def test_outlives_entry(self, trial: StoreTrial) -> None:
        """A revocation outlives what it revoked."""
        self.write(trial, ttl_seconds=self.unit_seconds)
        trial.store.revoke("k", ttl_seconds=self.unit_seconds * 3)
        trial.advance(self.unit_seconds * 2)
        assert trial.store.load("k") == REVOKED

    def test_dies_at_last(self, trial: StoreTrial) -> None:
        """A revocation ends after its time, and then nothing stands in the way."""
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        trial.advance(self.unit_seconds * 1.1)
        assert (trial.store.load("k"), self.write(trial)) == (None, SaveOutcome.SAVED)

    def test_never_pushed_out(self, trial: StoreTrial) -> None:
        """However many entries come, revocations and locks stay."""
        trial.store.revoke("k", ttl_seconds=self.unit_seconds * 100)
        trial.store.acquire_lock("l", ttl_seconds=self.unit_seconds * 100)
        for number in range(60):
            self.write(trial, key=f"session:{number}", ttl_seconds=self.unit_seconds * 100)
        assert (trial.store.load("k"), trial.store.acquire_lock("l", ttl_seconds=1)) == (REVOKED, None)

    def test_takes_no_room(self, trial: StoreTrial) -> None:
        """However many revocations come, an entry stays: they don't count towards the size."""
        self.write(trial, ttl_seconds=self.unit_seconds * 100)
        for number in range(60):
            trial.store.revoke(f"session:{number}", ttl_seconds=self.unit_seconds * 100)
        assert trial.store.load("k") == StoredEntry(b"v", 1)

    def test_wins_over_threads(self, trial: StoreTrial) -> None:
        """Whatever is written while it is revoked, it is revoked in the end."""

        def write_or_revoke(number: int) -> None:
            for version in range(20):
                if (number, version) == (0, 10):
                    trial.store.revoke("k", ttl_seconds=self.unit_seconds * 100)
                self.write(trial, b"v", number + version * THREADS)

        at_once(write_or_revoke)
        assert trial.store.load("k") == REVOKED
