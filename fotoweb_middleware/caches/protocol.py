"""What a server cache is: opaque sealed bytes under keys, and leases.

Two rules hold for every cache:

1. A cache knows bytes, never sessions. Keys and values come sealed from above.
2. Any entry may be lost at any time, except that a tombstone outlives whatever it buries:
   it is never pushed out by size, and no ``save`` brings the buried entry back.

Each cache has a blocking face (``Cache``) for the WSGI door and an awaitable one (``AsyncCache``) for the ASGI door.
Both raise ``CacheUnavailable``, and nothing else, when they can't answer in time.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["AsyncCache", "Cache", "Lease", "SaveOutcome", "Stored"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies under a key.

    Attributes:
        value: The sealed bytes, or None where a tombstone lies.
        version: The version they were saved with; 0 for a tombstone.
        is_settled: False where a part of the cache does not know it yet: whoever loads it should save it again.
    """

    value: bytes | None = field(repr=False)
    version: int
    is_settled: bool = True


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to be the only one who works on a key, for a while.

    Attributes:
        key: What is leased.
        owner: A random name of the holder, so that only the holder can free it.
        fence: Rises with every lease of this key; a save under an older lease than the stored entry's is refused.
    """

    key: str
    owner: str = field(repr=False)
    fence: int


class SaveOutcome(enum.Enum):
    """What became of a ``save``."""

    SAVED = "saved"
    NEWER = "newer"
    """The same or a higher version is there already, or the fence is too old: nothing was written."""
    BURIED = "buried"
    """A tombstone is there: nothing was written."""
    MISSING = "missing"
    """Nothing is there, and the save was an update: nothing was written."""


class Cache(Protocol):
    """The blocking face. Safe to call from several threads."""

    @property
    def shared(self) -> bool:
        """Whether other processes see the same entries (then a copy in memory must be checked again now and then)."""

    def load(self, key: str) -> Stored | None:
        """Return what lies under ``key``, or None."""

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """Write ``value`` unless the same or a higher version, a tombstone or a newer fence stands against it.

        Args:
            key: Where to write.
            value: Sealed bytes.
            version: Must be higher than the stored one.
            ttl_seconds: How long the entry may live.
            create: True: write also where nothing is; False: only over an entry that is there.
            lease: The writer's lease on the same key, where the write is made under one.
        """

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Replace what lies under ``key`` by a tombstone that lives for ``ttl_seconds``."""

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """Return a lease on ``key``, or None where somebody else holds one.

        Its fence is higher than that of every lease before, and of the entry that lies under the key.
        """

    def free_lease(self, lease: Lease) -> None:
        """Give the lease up. Does nothing where it has ended or passed to somebody else."""

    def close(self) -> None:
        """Give back files and connections. A later call opens them again."""


class AsyncCache(Protocol):
    """The awaitable face, for asyncio and trio; the same promises as ``Cache``."""

    @property
    def shared(self) -> bool:
        """See ``Cache.shared``."""

    async def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""

    async def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""

    async def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""

    async def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""

    async def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""

    async def aclose(self) -> None:
        """See ``Cache.close``."""
