"""A store that tests look into: which calls it gets, under which keys, work to do before a call, and outages."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry, StoreLock

__all__ = ["SAVE_UNDER_LOCK", "WatchedStore"]

SAVE_UNDER_LOCK = "save under a lock"
"""What a refresh writes is called so; every other save is called "save"."""


class WatchedStore:
    """Stands before a store.

    Args:
        store: The store.
        shared: What it says of itself; None for what the store says.

    Attributes:
        is_down: While True every call is refused, as by a store that is out of reach.
        calls: The names of the calls so far.
        session_keys: The keys under which sessions were loaded, saved or revoked.
    """

    def __init__(self, store: Store, *, shared: bool | None = None) -> None:
        self._store = store
        self._shared = store.shared if shared is None else shared
        self._work: dict[str, Callable[[], object]] = {}
        self._changed = threading.Condition()
        self.is_down = False
        self.calls: list[str] = []
        self.session_keys: set[str] = set()

    @property
    def shared(self) -> bool:
        """Whether other processes see the same entries."""
        return self._shared

    @property
    def has_pushed_out(self) -> bool:
        """Whether it pushed entries out."""
        return getattr(self._store, "has_pushed_out", False)

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``."""
        self._begin("load", key)
        return self._store.load(key)

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""
        self._begin("save" if lock is None else SAVE_UNDER_LOCK, key)
        return self._store.save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lock=lock)

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``."""
        self._begin("revoke", key)
        self._store.revoke(key, ttl_seconds=ttl_seconds)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        self._begin("acquire_lock")
        return self._store.acquire_lock(key, ttl_seconds=ttl_seconds)

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""
        self._begin("release_lock")
        self._store.release_lock(lock)

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""
        self._begin("use_once")
        return self._store.use_once(key, ttl_seconds=ttl_seconds)

    def keys(self, prefix: str) -> set[str]:
        """See ``Store.keys``."""
        self._begin("keys")
        return self._store.keys(prefix)

    def close(self) -> None:
        """See ``Store.close``."""
        self._store.close()

    # ---------------------------------------------------------------------------------------------- what tests ask for

    def begin_again(self) -> WatchedStore:
        """Forget the calls so far, and return itself."""
        with self._changed:
            self.calls.clear()
        return self

    def before(self, name: str, work: Callable[[], object]) -> None:
        """Do some work before the next call of this name; what it raises, the call raises."""
        self._work[name] = work

    def wait_for(self, name: str, *, times: int = 1) -> bool:
        """Wait until there were so many calls of this name."""
        with self._changed:
            return self._changed.wait_for(lambda: self.calls.count(name) >= times, timeout=20)

    def stored_session(self) -> StoredEntry | None:
        """Return what the store holds of the only session that there ever was."""
        (key,) = self.session_keys
        return self._store.load(key)

    def _begin(self, name: str, key: str | None = None) -> None:
        with self._changed:
            self.calls.append(name)
            if key is not None:
                self.session_keys.add(key)
            self._changed.notify_all()
        self._work.pop(name, lambda: None)()
        if self.is_down:
            raise StoreUnavailable("down, as the test wants it")
