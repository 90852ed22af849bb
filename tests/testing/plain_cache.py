"""A right cache in small steps, so that a wrong one can be made by changing one of them."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored

__all__ = ["Out", "PlainCache", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """An entry; a tombstone where there is no value."""

    value: bytes | None
    version: int
    fence: int
    ends_at: float


@dataclass(frozen=True, slots=True)
class Out:
    """A lease that is out."""

    owner: str
    ends_at: float


class PlainCache:
    """A right cache with room for 20 entries."""

    size = 20
    shared = False

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.lock: contextlib.AbstractContextManager[Any] = threading.RLock()
        self.rows: dict[str, Row] = {}
        self.out: dict[str, Out] = {}
        self.owners = map("owner {}".format, itertools.count())
        self.fences = itertools.count(1)

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        with self.lock:
            row = self.row(key)
            return Stored(row.value, row.version) if row is not None else None

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        with self.lock:
            row = self.row(key)
            made = Row(value, version, lease.fence if lease else 0, self.ends_at(ttl_seconds))
            if row is None:
                outcome = SaveOutcome.SAVED if create else SaveOutcome.MISSING
            elif row.value is None:
                outcome = SaveOutcome.BURIED
            elif self.is_older(made, row) or self.is_late(made, row, lease):
                outcome = SaveOutcome.NEWER
            else:
                outcome = SaveOutcome.SAVED
                made = self.following(made, row)
            if outcome is SaveOutcome.SAVED:
                self.put(key, made)
            return outcome

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        with self.lock:
            self.put(key, Row(None, 0, 0, self.ends_at(ttl_seconds)))

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        with self.lock:
            if self.is_out(key):
                return None
            lease = Lease(key, next(self.owners), self.next_fence(key))
            self.out[key] = Out(lease.owner, self.ends_at(ttl_seconds))
            return lease

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        with self.lock:
            out = self.out.get(lease.key)
            if out is not None and out.owner == lease.owner:
                del self.out[lease.key]

    def close(self) -> None:
        """Nothing to give back."""

    # -------------------------------------------------------------------------------------- the steps

    def row(self, key: str) -> Row | None:
        """Return the row that lives under a key."""
        row = self.rows.get(key)
        return row if row is not None and row.ends_at > self.clock() else None

    def ends_at(self, ttl_seconds: float) -> float:
        """Return when something ends that begins now."""
        return self.clock() + ttl_seconds

    def is_older(self, made: Row, row: Row) -> bool:
        """Return whether the version is too low."""
        return made.version <= row.version

    def is_late(self, made: Row, row: Row, lease: Lease | None) -> bool:
        """Return whether the fence is too low."""
        return lease is not None and made.fence < row.fence

    def following(self, made: Row, row: Row) -> Row:
        """Return what is written over a row."""
        return replace(made, fence=max(made.fence, row.fence))

    def put(self, key: str, row: Row) -> None:
        """Write a row, and make room."""
        self.rows[key] = row
        self.make_room([name for name, other in self.rows.items() if other.value is not None])

    def make_room(self, names: list[str]) -> None:
        """Push the oldest of these rows out."""
        for name in names[: max(0, len(names) - self.size)]:
            del self.rows[name]

    def is_out(self, key: str) -> bool:
        """Return whether somebody holds the lease."""
        out = self.out.get(key)
        return out is not None and out.ends_at > self.clock()

    def next_fence(self, key: str) -> int:
        """Return the fence of the next lease."""
        return next(self.fences)
