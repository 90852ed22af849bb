"""Any store, watched: what it raises becomes ``StoreUnavailable``, and it is known when it last failed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.log import LOGGER
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry, StoreLock

__all__ = ["MonitoredStore"]

R = TypeVar("R")


class MonitoredStore:
    """Stands before a store.

    A store of somebody's own may raise what its database does, though it ought not to. For the people who use the app
    that is a store out of reach, as any other; its author finds the traceback in the log.

    Args:
        store: The store.
        monotonic: Seconds of a clock that never jumps.
    """

    def __init__(self, store: Store, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic
        self._failed_at = -math.inf

    @property
    def shared(self) -> bool:
        """See ``Store.shared``."""
        return self._store.shared

    def failed_within(self, seconds: float) -> bool:
        """Return whether a call failed in this process, not longer ago than ``seconds``."""
        return self._monotonic() - self._failed_at < seconds

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""
        return self._call(lambda: self._store.load(key))

    def save(  # noqa: PLR0913 (see ``Store.save``)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""
        return self._call(
            lambda: self._store.save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lock=lock)
        )

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``."""
        self._call(lambda: self._store.revoke(key, ttl_seconds=ttl_seconds))

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        return self._call(lambda: self._store.acquire_lock(key, ttl_seconds=ttl_seconds))

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""
        self._call(lambda: self._store.release_lock(lock))

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""
        return self._call(lambda: self._store.use_once(key, ttl_seconds=ttl_seconds))

    def _call(self, work: Callable[[], R]) -> R:
        try:
            return work()
        except StoreUnavailable:
            self._failed_at = self._monotonic()
            raise
        except Exception as error:  # noqa: BLE001 (it may be anybody's store)
            self._failed_at = self._monotonic()
            LOGGER.exception("the session store raised an unexpected error and counts as out of reach")
            raise StoreUnavailable(f"it raised {type(error).__name__}") from None
