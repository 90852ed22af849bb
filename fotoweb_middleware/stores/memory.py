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

from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock

__all__ = ["MemoryStore"]

MOST_USED_KEYS = 50_000
"""Anybody can begin logins, so what was used once must not fill the memory. Beyond this the oldest are forgotten: the
same browser could then try its callback a second time, and FotoWeb refuses a code that was used."""

REVOKED = StoredEntry(None, 0)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What lies under a key, and for how long."""

    stored: StoredEntry
    fence: int
    ttl_seconds: float


@dataclass(frozen=True, slots=True)
class _Held:
    """A lock that somebody holds, or a key that was used: for how long."""

    owner: str = field(repr=False)
    ttl_seconds: float


def _ends_at(_key: str, value: _Entry | _Held, now: float) -> float:
    return now + value.ttl_seconds


class MemoryStore:
    """A store in this process's memory.

    Args:
        size: Most entries kept; revocations and locks don't count.
        monotonic: A clock that never jumps, in seconds.
    """

    shared = False

    def __init__(self, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._entries: TLRUCache[str, _Entry] = TLRUCache(size, ttu=_ends_at, timer=monotonic)
        self._revocations: TLRUCache[str, _Entry] = TLRUCache(math.inf, ttu=_ends_at, timer=monotonic)
        self._used: TLRUCache[str, _Held] = TLRUCache(MOST_USED_KEYS, ttu=_ends_at, timer=monotonic)
        self._newest_fence = 0
        self.after_fork_in_child()
        forks.register(self)

    def before_fork(self) -> None:
        """See ``HeldOverForks``: a change takes microseconds, so this waits for no longer."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """See ``HeldOverForks``."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """See ``ForkAware``. Locks are forgotten: their holders are in the parent and can't release them here."""
        self._lock = threading.RLock()  # Reentrant, for a signal handler that forks.
        self._locks: TLRUCache[str, _Held] = TLRUCache(math.inf, ttu=_ends_at, timer=self._monotonic)

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""
        with self._lock:
            there = self._entry(key)
            if there is not None:
                return there.stored
            return REVOKED if key in self._revocations else None

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""
        fence = lock.fence if lock is not None else 0
        with self._lock:
            if key in self._revocations:
                return SaveOutcome.REVOKED
            there = self._entry(key)
            if there is None and not create:
                return SaveOutcome.MISSING
            if there is not None:
                if there.stored.version >= version or (lock is not None and there.fence > fence):
                    return SaveOutcome.NEWER
                fence = max(fence, there.fence)
            self._entries[key] = _Entry(StoredEntry(value, version), fence, ttl_seconds)
            return SaveOutcome.SAVED

    def _entry(self, key: str) -> _Entry | None:
        try:  # Not ``get``, which looks twice: what ends in between is an error.
            return self._entries[key]
        except KeyError:
            return None

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``."""
        with self._lock:
            with contextlib.suppress(KeyError):
                del self._entries[key]
            self._revocations[key] = _Entry(REVOKED, 0, ttl_seconds)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        with self._lock:
            if key in self._locks:
                return None
            # One counter for all keys: it rises with every lock of each, and needs no memory per key.
            self._newest_fence += 1
            lock = StoreLock(key, secrets.token_hex(8), self._newest_fence)
            self._locks[key] = _Held(lock.owner, ttl_seconds)
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
            self._used[key] = _Held("", ttl_seconds)
            return True

    def close(self) -> None:
        """Nothing to give back."""
