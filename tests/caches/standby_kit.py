"""A cache that fails when told, and two of them side by side behind each face."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import Cache, SaveOutcome
from fotoweb_middleware.caches.standby import AsyncStandbyCache, StandbyCache
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.cache_contract import BlockingFace

__all__ = ["DOWN", "FACES", "Breakable", "Pair", "opened"]

FACES = ("blocking", "asyncio", "trio")
SIZE = 20
NAMES = ("load", "save", "bury", "take_lease", "free_lease", "close")
DOWN = "down, as the test says"


class Breakable(MemoryCache):
    """A cache that fails while it is told to; ``calls`` counts what reached it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(SIZE, clock)
        self.is_down = False
        self.closes_badly = False
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        """Count a call, and fail it where told so."""
        value = super().__getattribute__(name)
        if name not in NAMES:
            return value
        self.calls.append(name)
        return fail if (self.closes_badly if name == "close" else self.is_down) else value


def fail(*_arguments: Any, **_options: Any) -> None:
    """Fail as caches do."""
    raise CacheUnavailable(DOWN)


class Pair:
    """Two caches, and what puts one beside the other.

    Attributes:
        clock: Of both.
        redis: The primary.
        file: The standby.
        cache: Both together, through one of the faces.
    """

    def __init__(self, portal: BlockingPortal | None) -> None:
        self.clock = FakeClock()
        self.redis, self.file = Breakable(self.clock), Breakable(self.clock)
        self.cache: Cache = StandbyCache(self.redis, self.file)
        if portal is not None:
            self.cache = BlockingFace(AsyncStandbyCache(InlineFace(self.redis), InlineFace(self.file)), portal)

    def save(self, version: int = 1, *, create: bool = True, lease: Any = None) -> SaveOutcome:
        """Save "v<version>" under "k"."""
        return self.cache.save("k", b"v%d" % version, version=version, ttl_seconds=60, create=create, lease=lease)

    def empty_redis(self) -> None:
        """Restart the primary without its entries."""
        self.redis.__init__(self.clock)  # type: ignore[misc]


@contextlib.contextmanager
def opened(face: str) -> Iterator[Pair]:
    """Make a pair behind a face."""
    if face == "blocking":
        yield Pair(None)
        return
    with start_blocking_portal(face) as portal:
        yield Pair(portal)
