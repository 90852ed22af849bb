"""What a session store is: sealed bytes under keys, revocations and locks.

Two rules hold for every store:

1. A store knows bytes, never sessions. Keys and values come sealed from above.
2. Any entry may be lost at any time, except that a revocation outlives what it revokes:
   it is never pushed out by size, and no ``save`` brings the revoked entry back.

A store is blocking and safe to call from several threads. It raises ``StoreUnavailable``, and nothing else, where it
can't answer in time (about a second).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["SaveOutcome", "Store", "StoreLock", "StoredEntry"]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What lies under a key: sealed bytes and their version, or a revocation, which has no value and version 0."""

    value: bytes | None = field(repr=False)
    version: int

    @property
    def is_revoked(self) -> bool:
        """Whether the entry was revoked."""
        return self.value is None


@dataclass(frozen=True, slots=True)
class StoreLock:
    """The right to be the only one who refreshes the session under a key, for a while.

    Attributes:
        owner: A random name of the holder, so that only the holder can release it.
        fence: Rises with every lock of this key; a save under an older lock than the stored entry's is refused.
    """

    key: str
    owner: str = field(repr=False)
    fence: int


class SaveOutcome(enum.Enum):
    """What became of a ``save``. Only ``SAVED`` has written anything."""

    SAVED = "saved"
    NEWER = "newer"
    """The same or a higher version is there already, or the lock's fence is too old."""
    REVOKED = "revoked"
    """The entry was revoked."""
    MISSING = "missing"
    """Nothing is there, and ``create`` was false."""


class Store(Protocol):
    """Where all processes of an app find a session's newest version, who refreshes it, and that it was revoked."""

    @property
    def shared(self) -> bool:
        """Whether other processes see the same entries; then what a process remembers is checked again now and then."""

    def load(self, key: str) -> StoredEntry | None:
        """Return what lies under ``key``, or None."""

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """Write ``value`` unless the same or a higher version, a revocation or a newer lock's fence stands against it.

        Args:
            key: Where to write.
            value: Sealed bytes.
            version: Must be higher than the stored one.
            ttl_seconds: How long the entry may live.
            create: True: write also where nothing is; False: only over an entry that is there.
            lock: The writer's lock on the same key, where the write is made under one.
        """

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Replace what lies under ``key`` by a revocation that lives for ``ttl_seconds``."""

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Return a lock on ``key``, or None where somebody else holds it. Never waits.

        Its fence is higher than that of every lock before, and of the entry that lies under the key.
        """

    def release_lock(self, lock: StoreLock) -> None:
        """Give the lock up. Does nothing where it has ended or passed to somebody else."""

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """Return True to the first caller with this key within ``ttl_seconds``, False to all others."""

    def keys(self, prefix: str) -> set[str]:
        """Return the keys of all entries that begin with ``prefix``; those of revocations may be among them.

        Nobody who waits for an answer of the app waits for this one: it may take longer than a second in all.
        """

    def close(self) -> None:
        """Give back files and connections. A later call opens them again."""
