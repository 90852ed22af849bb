"""A store of a user's own, and its trial, as a type checker sees them (docs/how-to/write-your-own-store.md).

Read by mypy and by pyright in its strict mode; nobody runs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry, StoreLock
from fotoweb_middleware.testing import FakeClock, OutageContract, SharedStoreContract, StoreContract, StoreTrial


class OwnStore:
    """Stands for a user's store, whose storage is out of reach."""

    shared = True

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""
        raise StoreUnavailable("nobody answers")

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""
        return SaveOutcome.SAVED

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``."""

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        return StoreLock(key, owner="somebody", fence=1)

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""
        return True

    def keys(self, prefix: str) -> set[str]:
        """See ``Store.keys``."""
        return set()

    def close(self) -> None:
        """See ``Store.close``."""


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Stands for a user's WSGI app."""
    start_response("200 OK", [])
    return []


async def asgi_app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Stands for a user's ASGI 3 app."""


own: Store = OwnStore()

FotoWebWSGIMiddleware(wsgi_app, store=OwnStore())
FotoWebASGIMiddleware(asgi_app, store=OwnStore())


class TestOwnStore(StoreContract, SharedStoreContract, OutageContract):
    """Stands for a user's test class."""

    unit_seconds = 0.2
    patience_seconds = 1.0

    def trial(self) -> StoreTrial:
        """Stands for the fixture of that name."""
        clock = FakeClock()
        return StoreTrial(OwnStore(), advance=clock.advance)

    def elsewhere(self) -> Store:
        """Stands for the fixture of that name."""
        return OwnStore()


assert_type(TestOwnStore().trial().store, Store)
assert_type(own.load("k"), StoredEntry | None)
