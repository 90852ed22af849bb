"""``memory://``: this process alone. Entries live in a cachetools LRU with a time to live for each."""

from __future__ import annotations

import contextlib
import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import TLRUCache

from fotoweb_middleware.caches.forks import keep_over_forks
from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["MemoryCache"]


MOST_LEASES = 50_000
LONGEST_REFRESH_SECONDS = 400.0
"""Every callback claims its state for eleven minutes, so strangers can take leases: memory must not follow them. Those
on the refresh of a session are shorter, whatever ``FOTOWEB_HTTP_TIMEOUT`` says, and no flood may keep them away."""

BURIED = Stored(None, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies under a key, and for how long."""

    stored: Stored
    fence: int
    ttl_seconds: float


@dataclass(frozen=True, slots=True)
class LeaseOut:
    """A lease that is out."""

    owner: str = field(repr=False)
    ttl_seconds: float


def ends_at(_key: str, value: Entry | LeaseOut, now: float) -> float:
    """Return when an entry dies, in seconds of the cache's clock."""
    return now + value.ttl_seconds


class MemoryCache:
    """A server cache in this process's memory.

    Args:
        size: Most entries kept; tombstones and leases don't count.
        monotonic: A clock that never jumps, in seconds.

    Attributes:
        lock: See ``caches.forks``.
    """

    shared = False
    lock: threading.Lock

    def __init__(self, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._monotonic = monotonic
        self.start_anew(whole=False)
        keep_over_forks(self)

    def start_anew(self, *, whole: bool) -> None:
        """See ``caches.forks``. Leases are forgotten: who holds one is in the parent, and can't free it here."""
        self.lock = threading.Lock()
        self._leases: TLRUCache[str, LeaseOut] = TLRUCache(math.inf, ttu=ends_at, timer=self._monotonic)
        if whole:
            return
        self._entries: TLRUCache[str, Entry] = TLRUCache(self._size, ttu=ends_at, timer=self._monotonic)
        self._tombstones: TLRUCache[str, Entry] = TLRUCache(math.inf, ttu=ends_at, timer=self._monotonic)
        self._newest_fence = 0

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        # Where there is an entry there is no tombstone: ``bury`` takes the one away, ``save`` respects the other.
        # By ``[]``, since a cache's ``get`` takes three times as long, and every first sight of a cookie asks here.
        with self.lock:
            try:
                return self._entries[key].stored
            except KeyError:
                return BURIED if key in self._tombstones else None

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        fence = lease.fence if lease is not None else 0
        with self.lock:
            if key in self._tombstones:
                return SaveOutcome.BURIED
            there = self._entry_of(key)
            if there is None and not create:
                return SaveOutcome.MISSING
            if there is not None and (there.stored.version >= version or (lease is not None and there.fence > fence)):
                return SaveOutcome.NEWER
            newest_fence = max(fence, there.fence) if there is not None else fence
            self._entries[key] = Entry(Stored(value, version), newest_fence, ttl_seconds)
            return SaveOutcome.SAVED

    def _entry_of(self, key: str) -> Entry | None:
        try:  # Not by ``get``, which looks twice: what ends in between is an error.
            return self._entries[key]
        except KeyError:
            return None

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        with self.lock:
            with contextlib.suppress(KeyError):  # Not by ``pop``, which looks three times.
                del self._entries[key]
            self._tombstones[key] = Entry(BURIED, 0, ttl_seconds)

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        with self.lock:
            if key in self._leases:
                return None
            if ttl_seconds > LONGEST_REFRESH_SECONDS and len(self._leases) >= MOST_LEASES:
                msg = "too many leases are out in this process"
                raise CacheUnavailable(msg)
            # One counter for all keys: it rises with every lease of each, and needs no memory per key.
            self._newest_fence += 1
            lease = Lease(key, secrets.token_hex(8), self._newest_fence)
            self._leases[key] = LeaseOut(lease.owner, ttl_seconds)
            return lease

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        with self.lock, contextlib.suppress(KeyError):  # It has ended, perhaps between the look and this.
            if self._leases[lease.key].owner == lease.owner:
                del self._leases[lease.key]

    def close(self) -> None:
        """Nothing to give back."""
