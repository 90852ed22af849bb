"""What a store promises whose storage is out of reach."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.base import Store, StoreLock

__all__ = ["Outages"]


class Outages:
    """What a store promises whose storage is out of reach; ``out_of_reach`` is one.

    It must say so, and in time: "nothing there" would be a lie that ends sessions, and any other error a crash.
    """

    patience_seconds: ClassVar[float] = 5.0
    """How long a call may take to fail."""

    def fails(self, call: Callable[[], object]) -> bool:
        """Return whether a call fails as it should, and in time; whatever else it raises is raised here."""
        ended: list[Exception | None] = []

        def run() -> None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 (told below, in the test's own thread)
                ended.append(error)
            else:
                ended.append(None)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self.patience_seconds)
        assert ended, f"no answer within {self.patience_seconds} s"
        if ended[0] is not None and not isinstance(ended[0], StoreUnavailable):
            raise ended[0]
        return ended[0] is not None

    def test_load_fails(self, out_of_reach: Store) -> None:
        """``load`` raises StoreUnavailable."""
        assert self.fails(lambda: out_of_reach.load("k"))

    def test_save_fails(self, out_of_reach: Store) -> None:
        """``save`` raises StoreUnavailable."""
        assert self.fails(lambda: out_of_reach.save("k", b"v", version=1, ttl_seconds=60, create=True))

    def test_update_fails(self, out_of_reach: Store) -> None:
        """``save`` raises StoreUnavailable also where it may not create: what can't be seen is not missing."""
        assert self.fails(lambda: out_of_reach.save("k", b"v", version=1, ttl_seconds=60, create=False))

    def test_revoke_fails(self, out_of_reach: Store) -> None:
        """``revoke`` raises StoreUnavailable: the middleware then tells the store later."""
        assert self.fails(lambda: out_of_reach.revoke("k", ttl_seconds=60))

    def test_acquire_lock_fails(self, out_of_reach: Store) -> None:
        """``acquire_lock`` raises StoreUnavailable: None would mean that somebody else holds the lock."""
        assert self.fails(lambda: out_of_reach.acquire_lock("k", ttl_seconds=60))

    def test_release_lock_fails(self, out_of_reach: Store) -> None:
        """``release_lock`` raises StoreUnavailable."""
        assert self.fails(lambda: out_of_reach.release_lock(StoreLock("k", "owner", 1)))

    def test_use_once_fails(self, out_of_reach: Store) -> None:
        """``use_once`` raises StoreUnavailable: True would let the same callback in twice."""
        assert self.fails(lambda: out_of_reach.use_once("k", ttl_seconds=60))

    def test_keys_fails(self, out_of_reach: Store) -> None:
        """``keys`` raises StoreUnavailable: no keys would mean that nobody is signed in."""
        assert self.fails(lambda: out_of_reach.keys("session:"))

    def test_close_does_not_fail(self, out_of_reach: Store) -> None:
        """``close`` raises nothing: it comes at the very end."""
        assert not self.fails(out_of_reach.close)
