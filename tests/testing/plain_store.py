"""A right store in small steps, so that a wrong one can be made by changing one of them."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock

__all__ = ["Out", "PlainStore", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """An entry; a revocation where there is no value."""

    value: bytes | None
    version: int
    fence: int
    ends_at: float


@dataclass(frozen=True, slots=True)
class Out:
    """A lock that is out."""

    owner: str
    ends_at: float


class PlainStore:
    """A right store with room for 20 entries."""

    size = 20
    shared = False

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.mutex: contextlib.AbstractContextManager[Any] = threading.RLock()
        self.rows: dict[str, Row] = {}
        self.out: dict[str, Out] = {}
        self.owners = map("owner {}".format, itertools.count())
        self.fences = itertools.count(1)
        self.used: dict[str, float] = {}

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""
        with self.mutex:
            row = self.row(key)
            return StoredEntry(row.value, row.version) if row is not None else None

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""
        with self.mutex:
            row = self.row(key)
            made = Row(value, version, lock.fence if lock else 0, self.ends_at(ttl_seconds))
            if row is None:
                outcome = SaveOutcome.SAVED if create else SaveOutcome.MISSING
            elif row.value is None:
                outcome = SaveOutcome.REVOKED
            elif self.is_older(made, row) or self.is_late(made, row, lock):
                outcome = SaveOutcome.NEWER
            else:
                outcome = SaveOutcome.SAVED
                made = self.following(made, row)
            if outcome is SaveOutcome.SAVED:
                self.put(key, made)
            return outcome

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``."""
        with self.mutex:
            self.put(key, Row(None, 0, 0, self.ends_at(ttl_seconds)))

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        with self.mutex:
            if self.is_out(key):
                return None
            lock = StoreLock(key, next(self.owners), self.next_fence(key))
            self.out[key] = Out(lock.owner, self.ends_at(ttl_seconds))
            return lock

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""
        with self.mutex:
            out = self.out.get(lock.key)
            if out is not None and out.owner == lock.owner:
                del self.out[lock.key]

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""
        with self.mutex:
            if self.is_used(key):
                return False
            self.used[key] = self.ends_at(ttl_seconds)
            return True

    def keys(self, prefix: str) -> set[str]:
        """See ``Store.keys``."""
        with self.mutex:
            return {key for key, row in self.rows.items() if key.startswith(prefix) and self.is_listed(key, row)}

    def close(self) -> None:
        """Nothing to give back."""

    # -------------------------------------------------------------------------------------- the steps

    def row(self, key: str) -> Row | None:
        """Return the row that lives under a key."""
        row = self.rows.get(key)
        return row if row is not None and row.ends_at > self.clock() else None

    def is_listed(self, key: str, _row: Row) -> bool:
        """Return whether ``keys`` tells of a row."""
        return self.row(key) is not None

    def ends_at(self, ttl_seconds: float) -> float:
        """Return when something ends that begins now."""
        return self.clock() + ttl_seconds

    def is_older(self, made: Row, row: Row) -> bool:
        """Return whether the version is too low."""
        return made.version <= row.version

    def is_late(self, made: Row, row: Row, lock: StoreLock | None) -> bool:
        """Return whether the fence is too low."""
        return lock is not None and made.fence < row.fence

    def following(self, made: Row, row: Row) -> Row:
        """Return what is written over a row."""
        return replace(made, fence=max(made.fence, row.fence))

    def put(self, key: str, row: Row) -> None:
        """Write a row, and make room."""
        self.rows[key] = row
        self.evict_login_cookies([name for name, other in self.rows.items() if other.value is not None])

    def evict_login_cookies(self, names: list[str]) -> None:
        """Push the oldest of these rows out."""
        for name in names[: max(0, len(names) - self.size)]:
            del self.rows[name]

    def is_out(self, key: str) -> bool:
        """Return whether somebody holds the lock."""
        out = self.out.get(key)
        return out is not None and out.ends_at > self.clock()

    def is_used(self, key: str) -> bool:
        """Return whether somebody has used the key."""
        return self.used.get(key, 0) > self.clock()

    def next_fence(self, key: str) -> int:
        """Return the fence of the next lock."""
        return next(self.fences)
