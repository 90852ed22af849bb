"""What a store promises of keys that are used once."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

from fotoweb_middleware.testing.store_contract.trial import THREADS, Promises, StoreTrial, at_once

__all__ = ["SingleUse"]


class SingleUse(Promises):
    """What a store promises of keys that are used once."""

    def use(self, trial: StoreTrial, key: str = "k") -> bool:
        """Use a key, for the usual time."""
        return trial.store.use_once(key, ttl_seconds=self.unit_seconds)

    def test_used_once(self, trial: StoreTrial) -> None:
        """The first caller is told True, all others False."""
        assert [self.use(trial) for _ in range(3)] == [True, False, False]

    def test_used_keys_apart(self, trial: StoreTrial) -> None:
        """Each key is used on its own."""
        assert [self.use(trial, key) for key in ("a", "b")] == [True, True]

    def test_use_ends(self, trial: StoreTrial) -> None:
        """After its time a key may be used again; a use in vain does not prolong it."""
        self.use(trial)
        trial.advance(self.unit_seconds * 0.7)
        during = self.use(trial)
        trial.advance(self.unit_seconds * 0.7)
        assert (during, self.use(trial)) == (False, True)

    def test_use_is_no_entry_and_no_lock(self, trial: StoreTrial) -> None:
        """A used key keeps nobody from an entry or a lock under the same key."""
        self.use(trial)
        lock = trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds)
        assert (trial.store.load("k"), lock is not None) == (None, True)

    def test_entry_and_lock_are_no_use(self, trial: StoreTrial) -> None:
        """An entry and a lock keep nobody from using the same key."""
        self.write(trial)
        trial.store.acquire_lock("k", ttl_seconds=self.unit_seconds)
        assert self.use(trial)

    def test_used_once_over_threads(self, trial: StoreTrial) -> None:
        """Of several threads that ask at once, one is the first."""
        assert sorted(at_once(lambda _: self.use(trial))) == [False] * (THREADS - 1) + [True]
