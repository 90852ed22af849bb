"""A cache of a user's own, and its trial, as a type checker sees them (docs/how-to/write-your-own-cache.md).

Read by mypy and by pyright in its strict mode; nobody runs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

from anyio.from_thread import BlockingPortal
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from fotoweb_middleware.caches.offloaded import OffloadedFace
from fotoweb_middleware.caches.protocol import AsyncCache, Cache, Lease, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import (
    BlockingFace,
    CacheContract,
    CacheTrial,
    FakeClock,
    OutageContract,
    SharedCacheContract,
)


class OwnCache:
    """Stands for a user's cache, whose storage is out of reach."""

    shared = True

    def load(self, key: str) -> Stored | None:
        """See ``Cache.load``."""
        raise CacheUnavailable("nobody answers")

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """See ``Cache.save``."""
        return SaveOutcome.SAVED

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Cache.bury``."""

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """See ``Cache.take_lease``."""
        return Lease(key, owner="somebody", fence=1)

    def free_lease(self, lease: Lease) -> None:
        """See ``Cache.free_lease``."""

    def close(self) -> None:
        """See ``Cache.close``."""


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Stands for a user's WSGI app."""
    start_response("200 OK", [])
    return []


async def asgi_app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Stands for a user's ASGI 3 app."""


own: Cache = OwnCache()
awaitable: AsyncCache = OffloadedFace(OwnCache())

FotoWebWSGIMiddleware(wsgi_app, cache=OwnCache())
FotoWebASGIMiddleware(asgi_app, cache=OffloadedFace(OwnCache()))


class TestOwnCache(CacheContract, SharedCacheContract, OutageContract):
    """Stands for a user's test class."""

    unit_seconds = 0.2
    patience_seconds = 1.0

    def trial(self) -> CacheTrial:
        """Stands for the fixture of that name."""
        clock = FakeClock()
        return CacheTrial(OwnCache(), advance=clock.advance)

    def elsewhere(self, portal: BlockingPortal) -> Cache:
        """Stands for the fixture of that name; the awaitable face is on trial behind a blocking one."""
        return BlockingFace(OffloadedFace(OwnCache()), portal)


assert_type(TestOwnCache().trial().cache, Cache)
assert_type(own.load("k"), Stored | None)
