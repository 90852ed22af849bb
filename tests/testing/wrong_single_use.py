"""Stores that are wrong about keys used once, each in one way, with the test of the contract that has to tell."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable

from tests.testing.plain_store import PlainStore
from tests.testing.wrong_stores import let_another_come_between, told_by

__all__: list[str] = []


@told_by("test_used_once")
class LetsEverybodyIn(PlainStore):
    """Remembers no use."""

    def is_used(self, key: str) -> bool:
        """Never."""
        return False


@told_by("test_used_keys_apart")
class UsesOneForAll(PlainStore):
    """One use uses every key."""

    def is_used(self, key: str) -> bool:
        """Look at all."""
        return any(super(UsesOneForAll, self).is_used(other) for other in self.used)


@told_by("test_use_ends")
class UsesForEver(PlainStore):
    """A use never ends."""

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """Forget the time."""
        return super().use_once(key, ttl_seconds=math.inf)


@told_by("test_use_is_no_entry_and_no_lock")
class UsesByLock(PlainStore):
    """A use takes the lock on the key."""

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """Lock it."""
        return self.acquire_lock(key, ttl_seconds=ttl_seconds) is not None


@told_by("test_entry_and_lock_are_no_use")
class TakesEntriesForUses(PlainStore):
    """An entry counts as a use."""

    def is_used(self, key: str) -> bool:
        """Look at the rows too."""
        return super().is_used(key) or self.row(key) is not None


@told_by("test_used_once_over_threads")
class UsesWithoutALock(PlainStore):
    """Lets another thread come between looking and writing."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.mutex = contextlib.nullcontext()

    def is_used(self, key: str) -> bool:
        """Look, then wait."""
        is_used = super().is_used(key)
        let_another_come_between()
        return is_used
