"""The same app behind the same middleware as ``fotoweb_middleware.wrap``, with a store that waits at the stop points.

It stands for whatever keeps a worker at an unlucky moment: a full disk, a sleeping machine, the kernel's out-of-memory
killer on its way.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.stores import open_store
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry, StoreLock
from tests.stress import pid_app
from tests.stress.stop_points import stop_at

__all__ = ["asgi", "wsgi"]

WORKS_ALONE: ContextVar[bool] = ContextVar("WORKS_ALONE", default=False)
"""Whether this thread has just taken the lock of a refresh."""


class StoppingStore:
    """A blocking store that waits at the points."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.shared = store.shared

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""
        stored = self._store.load(key)
        if WORKS_ALONE.get():
            WORKS_ALONE.set(False)
            stop_at("asking")
        return stored

    def save(self, key: str, value: bytes, *, lock: StoreLock | None = None, **conditions: Any) -> SaveOutcome:
        """See ``Store.save``."""
        if lock is None:
            return self._store.save(key, value, **conditions)
        stop_at("saving")
        outcome = self._store.save(key, value, lock=lock, **conditions)
        stop_at("saved")
        return outcome

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``."""
        self._store.revoke(key, ttl_seconds=ttl_seconds)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        lock = self._store.acquire_lock(key, ttl_seconds=ttl_seconds)
        if lock is not None:
            stop_at("leased")
            WORKS_ALONE.set(True)
        return lock

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""
        self._store.release_lock(lock)

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""
        return self._store.use_once(key, ttl_seconds=ttl_seconds)

    def keys(self, prefix: str) -> set[str]:
        """See ``Store.keys``."""
        return self._store.keys(prefix)

    def close(self) -> None:
        """See ``Store.close``."""
        self._store.close()


# -------------------------------------------------------------------------------------------------------------- the app


def stopping_store(settings: Settings) -> StoppingStore:
    """Return the store of these settings, which waits at the points."""
    return StoppingStore(open_store(settings, clock=time.time, monotonic=time.monotonic))


if TYPE_CHECKING:
    asgi: FotoWebASGIMiddleware
    wsgi: FotoWebWSGIMiddleware


def __getattr__(name: str) -> Any:
    """Wrap the app when a server asks for it, as ``fotoweb_middleware.wrap`` does."""
    if name == "wsgi":
        settings = Settings()
        return FotoWebWSGIMiddleware(pid_app.wsgi, settings, store=stopping_store(settings))
    if name == "asgi":
        settings = Settings()
        return FotoWebASGIMiddleware(pid_app.asgi, settings, store=stopping_store(settings))
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
