"""What a store promises that several processes share."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry
from fotoweb_middleware.testing.store_contract.trial import REVOKED, Promises, StoreTrial, at_once

__all__ = ["Sharing"]


class Sharing(Promises):
    """What a store promises that several processes share; ``elsewhere`` is the same store as another process opens it.

    It must not keep copies of its own: the middleware does that, and knows for how long it may.
    """

    def test_says_that_it_is_shared(self, trial: StoreTrial, elsewhere: Store) -> None:
        """It says that it is shared: copies in memory are checked again only then."""
        assert (trial.store.shared, elsewhere.shared) == (True, True)

    def test_saved_here_read_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """What one process saves the other reads, at once and also after an earlier look."""
        seen = [elsewhere.load("k")]
        for version in (1, 2):
            self.write(trial, b"v%d" % version, version)
            seen.append(elsewhere.load("k"))
        assert seen == [None, StoredEntry(b"v1", 1), StoredEntry(b"v2", 2)]

    def test_older_version_refused_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """What one process saved stands against an older version of the other."""
        self.write(trial, b"v2", 2)
        assert self.write(StoreTrial(elsewhere, trial.advance), b"v1", 1) is SaveOutcome.NEWER

    def test_revoked_here_read_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """What one process revokes is revoked for the other, which has just seen it alive."""
        self.write(trial)
        alive = elsewhere.load("k")
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        assert (alive, elsewhere.load("k")) == (StoredEntry(b"v", 1), REVOKED)

    def test_revoked_here_refused_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """What one process revokes the other can't bring back."""
        trial.store.revoke("k", ttl_seconds=self.unit_seconds)
        assert self.write(StoreTrial(elsewhere, trial.advance), version=10**12) is SaveOutcome.REVOKED

    def test_lock_here_refused_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """While one process holds a lock the other gets none."""
        trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds)
        assert elsewhere.acquire_lock("k", ttl_seconds=self.unit_seconds) is None

    def test_lock_passes_on(self, trial: StoreTrial, elsewhere: Store) -> None:
        """A lock that one process gives up, or lets end, the other gets, with a higher fence."""
        first = trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds)
        assert first is not None
        trial.store.release_lock(first)
        second = elsewhere.acquire_lock("k", ttl_seconds=self.unit_seconds)
        trial.advance(self.unit_seconds * 1.1)
        third = trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds)
        assert second is not None
        assert third is not None
        assert first.fence < second.fence < third.fence

    def test_late_writer_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """Who held the lock in another process before the last writer comes too late."""
        late = elsewhere.acquire_lock("k", ttl_seconds=self.unit_seconds)
        trial.advance(self.unit_seconds * 1.1)
        self.write(trial, b"newer", 2, lock=trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds))
        assert self.write(StoreTrial(elsewhere, trial.advance), b"late", 3, lock=late) is SaveOutcome.NEWER

    def test_one_lock_over_processes(self, trial: StoreTrial, elsewhere: Store) -> None:
        """Of several threads that ask at once in both processes, one gets the lock."""
        both = (trial.store, elsewhere)
        locks = at_once(lambda number: both[number % 2].acquire_lock("k", ttl_seconds=self.unit_seconds))
        assert len([lock for lock in locks if lock is not None]) == 1

    def test_used_here_used_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """What one process has used once the other can't use."""
        used = [each.use_once("k", ttl_seconds=self.unit_seconds) for each in (trial.store, elsewhere)]
        assert used == [True, False]

    def test_keys_of_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """What one process saves the other finds, also after an earlier look."""
        seen = [elsewhere.keys("session:")]
        self.write(trial, key="session:a")
        assert [*seen, elsewhere.keys("session:")] == [set(), {"session:a"}]

    def test_closed_elsewhere(self, trial: StoreTrial, elsewhere: Store) -> None:
        """A process that closes the store takes nothing from the other."""
        self.write(trial)
        elsewhere.load("k")
        elsewhere.close()
        assert trial.store.load("k") == StoredEntry(b"v", 1)
