"""``memory://``: this process alone. Entries live in a cachetools LRU with a time to live for each.

A forked child continues with a copy of what its parent knew, or with nothing where a thread was changing that at the
fork, which takes microseconds.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import TLRUCache

from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock

MAX_USED_KEYS = 50_000
"""Anybody can begin logins, so what was used once must not fill the memory. Beyond this the oldest are forgotten: the
same browser could then try its callback a second time, and FotoWeb refuses a code that was used."""

REVOKED = StoredEntry(None, 0)


@dataclass(frozen=True, slots=True)
class _Row:
    """What lies under a key of one of the tables, and for how long."""

    ttl_seconds: float
    entry: StoredEntry = REVOKED
    fence: int = 0
    owner: str = field(default="", repr=False)


def _ends_at(_key: str, row: _Row, now: float) -> float:
    return now + row.ttl_seconds


class _Entries(TLRUCache[str, _Row]):
    """The entries; it notes when one is pushed out before its time is over."""

    has_pushed_out = False

    def popitem(self) -> tuple[str, _Row]:
        """Push out the entry not used for longest."""
        self.has_pushed_out = True
        return super().popitem()


class MemoryStore:
    """A store in this process's memory.

    Args:
        size: Most entries kept; revocations and locks don't count.
    """

    shared = False

    def __init__(self, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._monotonic = monotonic
        self._newest_fence = 0
        self._begin_empty()
        forks.register(self)

    def _begin_empty(self) -> None:
        self._lock = threading.Lock()
        self._entries = _Entries(self._size, ttu=_ends_at, timer=self._monotonic)
        self._revocations = self._table(math.inf)
        self._used = self._table(MAX_USED_KEYS)
        self._locks = self._table(math.inf)

    @property
    def has_pushed_out(self) -> bool:
        """Whether there were more entries than fit, so that some were lost before their time."""
        return self._entries.has_pushed_out

    def _table(self, size: float) -> TLRUCache[str, _Row]:
        return TLRUCache(size, ttu=_ends_at, timer=self._monotonic)

    def after_fork_in_child(self) -> None:
        """Forget refresh locks: their holders are in the parent and can't release them."""
        if not self._lock.acquire(blocking=False):
            self._begin_empty()
        self._lock = threading.Lock()
        self._locks = self._table(math.inf)

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""
        with self._lock:
            row = self._find(self._entries, key) or self._find(self._revocations, key)
            return row.entry if row is not None else None

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""
        fence = lock.fence if lock is not None else 0
        with self._lock:
            if key in self._revocations:
                return SaveOutcome.REVOKED
            row = self._find(self._entries, key)
            if row is None and not create:
                return SaveOutcome.MISSING
            if row is not None:
                if row.entry.version >= version or (lock is not None and row.fence > fence):
                    return SaveOutcome.NEWER
                fence = max(fence, row.fence)
            self._entries[key] = _Row(ttl_seconds, StoredEntry(value, version), fence)
            return SaveOutcome.SAVED

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``."""
        with self._lock:
            with contextlib.suppress(KeyError):
                del self._entries[key]
            self._revocations[key] = _Row(ttl_seconds)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        with self._lock:
            if key in self._locks:
                return None
            # One counter for all keys: it rises with every lock of each, and needs no memory per key.
            self._newest_fence += 1
            lock = StoreLock(key, secrets.token_hex(8), self._newest_fence)
            self._locks[key] = _Row(ttl_seconds, owner=lock.owner)
            return lock

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""
        with self._lock, contextlib.suppress(KeyError):
            if self._locks[lock.key].owner == lock.owner:
                del self._locks[lock.key]

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""
        with self._lock:
            if key in self._used:
                return False
            self._used[key] = _Row(ttl_seconds)
            return True

    def keys(self, prefix: str) -> set[str]:
        """See ``Store.keys``."""
        with self._lock:
            return {key for key in self._entries if key.startswith(prefix)}

    def close(self) -> None:
        """Nothing to give back."""

    @staticmethod
    def _find(table: TLRUCache[str, _Row], key: str) -> _Row | None:
        try:  # Not ``get``, which looks twice: what ends in between is an error.
            return table[key]
        except KeyError:
            return None
