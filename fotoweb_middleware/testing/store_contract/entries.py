"""What a store promises of entries."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry
from fotoweb_middleware.testing.store_contract.trial import THREADS, Promises, StoreTrial, at_once

__all__ = ["Entries"]


class Entries(Promises):
    """What a store promises of entries."""

    def test_empty(self, trial: StoreTrial) -> None:
        """Nothing lies under a key that nobody wrote to."""
        assert trial.store.load("k") is None

    def test_shared_is_known(self, trial: StoreTrial) -> None:
        """A store says whether other processes see its entries."""
        assert isinstance(trial.store.shared, bool)

    def test_create(self, trial: StoreTrial) -> None:
        """A save that may create writes where nothing is."""
        outcome = self.write(trial, b"v", 7)
        assert (outcome, trial.store.load("k")) == (SaveOutcome.SAVED, StoredEntry(b"v", 7))

    def test_any_bytes(self, trial: StoreTrial) -> None:
        """A value is bytes, whichever and however many a session has."""
        value = bytes(range(256)) * 64
        self.write(trial, value)
        assert trial.store.load("k") == StoredEntry(value, 1)

    def test_large_version(self, trial: StoreTrial) -> None:
        """A version may be large: a session refreshed a million times is still in order."""
        self.write(trial, b"old", 10**12)
        self.write(trial, b"new", 10**12 + 1)
        assert trial.store.load("k") == StoredEntry(b"new", 10**12 + 1)

    def test_update(self, trial: StoreTrial) -> None:
        """A higher version is written over a lower one."""
        self.write(trial, b"old", 1)
        outcome = self.write(trial, b"new", 2, create=False)
        assert (outcome, trial.store.load("k")) == (SaveOutcome.SAVED, StoredEntry(b"new", 2))

    def test_update_of_nothing(self, trial: StoreTrial) -> None:
        """An update writes nothing where nothing is: it never re-creates what was removed."""
        outcome = self.write(trial, create=False)
        assert (outcome, trial.store.load("k")) == (SaveOutcome.MISSING, None)

    def test_same_version(self, trial: StoreTrial) -> None:
        """The same version is not written twice: the first writer wins."""
        self.write(trial, b"first", 2)
        outcome = self.write(trial, b"second", 2)
        assert (outcome, trial.store.load("k")) == (SaveOutcome.NEWER, StoredEntry(b"first", 2))

    def test_lower_version(self, trial: StoreTrial) -> None:
        """A lower version never overwrites a higher one."""
        self.write(trial, b"high", 3)
        outcome = self.write(trial, b"low", 2)
        assert (outcome, trial.store.load("k")) == (SaveOutcome.NEWER, StoredEntry(b"high", 3))

    def test_versions_compare_as_numbers(self, trial: StoreTrial) -> None:
        """10 is higher than 9."""
        self.write(trial, b"nine", 9)
        self.write(trial, b"ten", 10)
        assert trial.store.load("k") == StoredEntry(b"ten", 10)

    def test_keys_apart(self, trial: StoreTrial) -> None:
        """What happens under one key happens under no other."""
        self.write(trial, b"a", key="session:a")
        self.write(trial, b"b", key="session:b")
        trial.store.revoke("session:b", ttl_seconds=self.unit_seconds)
        assert (trial.store.load("session:a"), trial.store.load("session:")) == (StoredEntry(b"a", 1), None)

    def test_lives_long_enough(self, trial: StoreTrial) -> None:
        """An entry lives for its time."""
        self.write(trial)
        trial.advance(self.unit_seconds / 2)
        assert trial.store.load("k") == StoredEntry(b"v", 1)

    def test_dies(self, trial: StoreTrial) -> None:
        """An entry dies after its time."""
        self.write(trial)
        trial.advance(self.unit_seconds * 1.1)
        assert trial.store.load("k") is None

    def test_dead_is_missing(self, trial: StoreTrial) -> None:
        """An update of a dead entry writes nothing."""
        self.write(trial)
        trial.advance(self.unit_seconds * 1.1)
        assert self.write(trial, b"w", 2, create=False) is SaveOutcome.MISSING

    def test_update_prolongs(self, trial: StoreTrial) -> None:
        """An update gives the entry a new time to live."""
        self.write(trial, b"v", 1)
        trial.advance(self.unit_seconds * 0.7)
        self.write(trial, b"w", 2, create=False)
        trial.advance(self.unit_seconds * 0.7)
        assert trial.store.load("k") == StoredEntry(b"w", 2)

    def test_reading_does_not_prolong(self, trial: StoreTrial) -> None:
        """Reading an entry gives it no new time to live."""
        self.write(trial)
        found = []
        for _ in range(3):
            trial.advance(self.unit_seconds * 0.4)
            found.append(trial.store.load("k") is not None)
        assert found == [True, True, False]

    def test_refused_save_does_not_prolong(self, trial: StoreTrial) -> None:
        """Nor does a save that is refused."""
        self.write(trial, version=2)
        outcomes = []
        for _ in range(3):
            trial.advance(self.unit_seconds * 0.4)
            outcomes.append(self.write(trial, version=1, create=False))
        assert outcomes == [SaveOutcome.NEWER, SaveOutcome.NEWER, SaveOutcome.MISSING]

    def test_highest_version_wins_over_threads(self, trial: StoreTrial) -> None:
        """Whatever order threads write in, the highest version stays."""
        at_once(lambda number: [self.write(trial, b"%d" % v, v) for v in range(number + 1, 40, THREADS)])
        assert trial.store.load("k") == StoredEntry(b"39", 39)

    def test_each_version_saved_once(self, trial: StoreTrial) -> None:
        """Of several threads that write one version, one does."""
        outcomes = at_once(lambda number: self.write(trial, b"%d" % number, 5))
        assert outcomes.count(SaveOutcome.SAVED) == 1

    def test_close_and_go_on(self, trial: StoreTrial) -> None:
        """A closed store opens again at the next call."""
        trial.store.close()
        trial.store.close()
        assert self.write(trial) is SaveOutcome.SAVED
