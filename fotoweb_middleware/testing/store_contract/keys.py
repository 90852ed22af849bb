"""What a store promises of finding keys."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

from fotoweb_middleware.testing.store_contract.trial import Promises, StoreTrial

__all__ = ["Keys"]


class Keys(Promises):
    """What a store promises of finding keys. Whether those of revocations are among them is left to it."""

    def test_no_keys(self, trial: StoreTrial) -> None:
        """An empty store has none."""
        assert trial.store.keys("session:") == set()

    def test_keys_that_begin_so(self, trial: StoreTrial) -> None:
        """The keys of entries are found by what they begin with, and no others."""
        for key in ("session:a", "session:b", "session", "sessions:c", "other:session:d"):
            self.write(trial, key=key)
        assert trial.store.keys("session:") == {"session:a", "session:b"}

    def test_prefix_is_no_pattern(self, trial: StoreTrial) -> None:
        """No character of a prefix has a meaning of its own."""
        for key in ("a*:x", "ab:x", "a?:x", "a[b]:x", "a\\:x", "a%:x", "a_:x"):
            self.write(trial, key=key)
        found = {prefix: trial.store.keys(prefix) for prefix in ("a*:", "a?:", "a[b]:", "a\\:", "a%:", "a_:")}
        assert found == {prefix: {f"{prefix}x"} for prefix in found}

    def test_each_of_many_keys(self, trial: StoreTrial) -> None:
        """All that a store holds are found, those that were written over too."""
        keys = {f"session:{number}" for number in range(20)}
        for version in (1, 2):
            for key in keys:
                self.write(trial, version=version, key=key)
        assert trial.store.keys("session:") == keys

    def test_no_keys_of_dead_entries(self, trial: StoreTrial) -> None:
        """An entry whose time is over has no key any more."""
        self.write(trial, key="session:a")
        self.write(trial, key="session:b", ttl_seconds=self.unit_seconds * 3)
        trial.advance(self.unit_seconds * 1.1)
        assert trial.store.keys("session:") == {"session:b"}

    def test_no_keys_of_locks_and_uses(self, trial: StoreTrial) -> None:
        """A lock and a key used once are no entries."""
        trial.store.acquire_lock("session:a", ttl_seconds=self.unit_seconds)
        trial.store.use_once("session:b", ttl_seconds=self.unit_seconds)
        assert trial.store.keys("session:") == set()

    def test_finding_is_no_use(self, trial: StoreTrial) -> None:
        """Finding a key gives its entry no new time to live."""
        self.write(trial, key="session:a")
        found = []
        for _ in range(3):
            trial.advance(self.unit_seconds * 0.4)
            found.append(trial.store.keys("session:"))
        assert found == [{"session:a"}, {"session:a"}, set()]
