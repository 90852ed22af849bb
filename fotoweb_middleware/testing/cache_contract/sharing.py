"""What a cache promises that several processes share."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

from fotoweb_middleware.caches.protocol import Cache, SaveOutcome, Stored
from fotoweb_middleware.testing.cache_contract.trial import TOMBSTONE, CacheTrial, Promises, at_once

__all__ = ["Sharing"]


class Sharing(Promises):
    """What a cache promises that several processes share; ``elsewhere`` is the same cache as another process opens it.

    It must not keep copies of its own: the middleware does that, and knows for how long it may.
    """

    def test_says_that_it_is_shared(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """It says that it is shared: copies in memory are checked again only then."""
        assert (trial.cache.shared, elsewhere.shared) == (True, True)

    def test_saved_here_read_elsewhere(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """What one process saves the other reads, at once and also after an earlier look."""
        seen = [elsewhere.load("k")]
        for version in (1, 2):
            self.write(trial, b"v%d" % version, version)
            seen.append(elsewhere.load("k"))
        assert seen == [None, Stored(b"v1", 1), Stored(b"v2", 2)]

    def test_older_version_refused_elsewhere(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """What one process saved stands against an older version of the other."""
        self.write(trial, b"v2", 2)
        assert self.write(CacheTrial(elsewhere, trial.advance), b"v1", 1) is SaveOutcome.NEWER

    def test_buried_here_read_elsewhere(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """What one process buries is buried for the other, which has just seen it alive."""
        self.write(trial)
        alive = elsewhere.load("k")
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        assert (alive, elsewhere.load("k")) == (Stored(b"v", 1), TOMBSTONE)

    def test_buried_here_refused_elsewhere(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """What one process buries the other can't bring back."""
        trial.cache.bury("k", ttl_seconds=self.unit_seconds)
        assert self.write(CacheTrial(elsewhere, trial.advance), version=10**12) is SaveOutcome.BURIED

    def test_lease_here_refused_elsewhere(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """While one process holds a lease the other gets none."""
        trial.cache.take_lease("k", ttl_seconds=self.unit_seconds)
        assert elsewhere.take_lease("k", ttl_seconds=self.unit_seconds) is None

    def test_lease_passes_on(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """A lease that one process gives up, or lets end, the other gets, with a higher fence."""
        first = trial.cache.take_lease("k", ttl_seconds=self.unit_seconds)
        assert first is not None
        trial.cache.free_lease(first)
        second = elsewhere.take_lease("k", ttl_seconds=self.unit_seconds)
        trial.advance(self.unit_seconds * 1.1)
        third = trial.cache.take_lease("k", ttl_seconds=self.unit_seconds)
        assert second is not None
        assert third is not None
        assert first.fence < second.fence < third.fence

    def test_late_writer_elsewhere(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """Who held the lease in another process before the last writer comes too late."""
        late = elsewhere.take_lease("k", ttl_seconds=self.unit_seconds)
        trial.advance(self.unit_seconds * 1.1)
        self.write(trial, b"newer", 2, lease=trial.cache.take_lease("k", ttl_seconds=self.unit_seconds))
        assert self.write(CacheTrial(elsewhere, trial.advance), b"late", 3, lease=late) is SaveOutcome.NEWER

    def test_one_lease_over_processes(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """Of several threads that ask at once in both processes, one gets the lease."""
        both = (trial.cache, elsewhere)
        leases = at_once(lambda number: both[number % 2].take_lease("k", ttl_seconds=self.unit_seconds))
        assert len([lease for lease in leases if lease is not None]) == 1

    def test_closed_elsewhere(self, trial: CacheTrial, elsewhere: Cache) -> None:
        """A process that closes the cache takes nothing from the other."""
        self.write(trial)
        elsewhere.load("k")
        elsewhere.close()
        assert trial.cache.load("k") == Stored(b"v", 1)
