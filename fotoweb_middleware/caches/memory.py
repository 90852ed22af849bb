"""``memory://``: this process alone. Entries live in a cachetools LRU with a time to live for each."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import TLRUCache

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["MemoryCache"]


MOST_LEASES = 50_000
"""Every callback claims its state for ten minutes, so strangers can take leases: memory must not follow them."""


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
    """

    shared = False

    def __init__(self, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._entries: TLRUCache[str, Entry] = TLRUCache(size, ttu=ends_at, timer=monotonic)
        self._tombstones: TLRUCache[str, Entry] = TLRUCache(math.inf, ttu=ends_at, timer=monotonic)
        self._leases: TLRUCache[str, LeaseOut] = TLRUCache(math.inf, ttu=ends_at, timer=monotonic)
        self._newest_fence = 0

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        with self._lock:
            entry = self._tombstones.get(key) or self._entries.get(key)
        return entry.stored if entry is not None else None

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        fence = lease.fence if lease is not None else 0
        with self._lock:
            if key in self._tombstones:
                return SaveOutcome.BURIED
            there = self._entries.get(key)
            if there is None and not create:
                return SaveOutcome.MISSING
            if there is not None and (there.stored.version >= version or (lease is not None and there.fence > fence)):
                return SaveOutcome.NEWER
            newest_fence = max(fence, there.fence) if there is not None else fence
            self._entries[key] = Entry(Stored(value, version), newest_fence, ttl_seconds)
            return SaveOutcome.SAVED

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""
        with self._lock:
            self._entries.pop(key, None)
            self._tombstones[key] = Entry(Stored(None, 0), 0, ttl_seconds)

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        with self._lock:
            if key in self._leases:
                return None
            if len(self._leases) >= MOST_LEASES:
                msg = "too many leases are out in this process"
                raise CacheUnavailable(msg)
            # One counter for all keys: it rises with every lease of each, and needs no memory per key.
            self._newest_fence += 1
            lease = Lease(key, secrets.token_hex(8), self._newest_fence)
            self._leases[key] = LeaseOut(lease.owner, ttl_seconds)
            return lease

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""
        with self._lock:
            held = self._leases.get(lease.key)
            if held is not None and held.owner == lease.owner:
                del self._leases[lease.key]

    def close(self) -> None:
        """Nothing to give back."""
