"""What a session store is: sealed bytes under keys, revocations and locks.

Two rules hold for every store:

1. A store knows bytes, never sessions. Keys and values come sealed from above.
2. Any entry may be lost at any time, except that a revocation outlives what it revokes:
   it is never pushed out by size, and no ``save`` brings the revoked entry back.

A store is blocking and safe to call from several threads. If it can't answer in time (about a second), it raises
``StoreUnavailable``, and nothing else.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["SaveOutcome", "Store", "StoreLock", "StoredEntry"]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """The entry under a key: sealed bytes and their version, or a revocation, which has no value and version 0."""

    value: bytes | None = field(repr=False)
    version: int

    @property
    def is_revoked(self) -> bool:
        """Whether the entry was revoked."""
        return self.value is None


@dataclass(frozen=True, slots=True)
class StoreLock:
    """The exclusive right to refresh the session under a key, for a limited time.

    Attributes:
        owner: A random name for the holder, so that only the holder can release it.
        fence: Goes up with every lock on this key; a save with an older lock than the stored entry's is refused.
    """

    key: str
    owner: str = field(repr=False)
    fence: int


class SaveOutcome(enum.Enum):
    """The result of a ``save``. Only ``SAVED`` means that anything was written."""

    SAVED = "saved"
    NEWER = "newer"
    """The same or a higher version is stored already, or the lock's fence is too old."""
    REVOKED = "revoked"
    """The entry was revoked."""
    MISSING = "missing"
    """Nothing is there, and ``create`` was false."""


class Store(Protocol):
    """Where an app's processes share each session's newest version, the lock for its refresh, and its revocation."""

    @property
    def shared(self) -> bool:
        """Whether other processes see the same entries, so that what a process remembers must be checked regularly."""

    def load(self, key: str) -> StoredEntry | None:
        """Return the entry under ``key``, or None."""

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """Write ``value``, unless there is the same or a higher version, a revocation, or an entry with a newer fence.

        Args:
            key: Where to write.
            value: Sealed bytes.
            version: Must be higher than the stored one.
            ttl_seconds: How long the entry may live.
            create: True: write even if there is no entry; False: only replace an existing one.
            lock: The writer's lock on the same key, if it holds one.
        """

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Replace the entry under ``key`` with a revocation that lives for ``ttl_seconds``."""

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Return a lock on ``key``, or None if somebody else holds it. Never waits.

        Its fence is higher than that of every earlier lock, and of the entry under the key.

        Raises:
            LockUnanswered: A ``StoreUnavailable``, for storage that may carry the call out after it was given up.
        """

    def release_lock(self, lock: StoreLock) -> None:
        """Release the lock. Does nothing if it has expired, or somebody else holds it now."""

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """Return True to the first caller with this key within ``ttl_seconds``, and False to all others."""

    def keys(self, prefix: str) -> set[str]:
        """Return all keys that begin with ``prefix``; those of revocations may be among them.

        No request waits for this, so it may take longer than a second in all.
        """

    def close(self) -> None:
        """Close files and connections. A later call opens them again."""
