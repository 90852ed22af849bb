"""What a cache promises whose storage is out of reach."""
# ruff: noqa: S101 (assert is what tests are made of)

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

from fotoweb_middleware.caches.protocol import Cache, Lease
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["Outages"]


class Outages:
    """What a cache promises whose storage is out of reach; ``out_of_reach`` is one.

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
        if ended[0] is not None and not isinstance(ended[0], CacheUnavailable):
            raise ended[0]
        return ended[0] is not None

    def test_load_fails(self, out_of_reach: Cache) -> None:
        """``load`` raises CacheUnavailable."""
        assert self.fails(lambda: out_of_reach.load("k"))

    def test_save_fails(self, out_of_reach: Cache) -> None:
        """``save`` raises CacheUnavailable."""
        assert self.fails(lambda: out_of_reach.save("k", b"v", version=1, ttl_seconds=60, create=True))

    def test_update_fails(self, out_of_reach: Cache) -> None:
        """``save`` raises CacheUnavailable also where it may not create: what can't be seen is not missing."""
        assert self.fails(lambda: out_of_reach.save("k", b"v", version=1, ttl_seconds=60, create=False))

    def test_bury_fails(self, out_of_reach: Cache) -> None:
        """``bury`` raises CacheUnavailable: the middleware then tells the cache later."""
        assert self.fails(lambda: out_of_reach.bury("k", ttl_seconds=60))

    def test_take_lease_fails(self, out_of_reach: Cache) -> None:
        """``take_lease`` raises CacheUnavailable: None would mean that somebody else has the lease."""
        assert self.fails(lambda: out_of_reach.take_lease("k", ttl_seconds=60))

    def test_free_lease_fails(self, out_of_reach: Cache) -> None:
        """``free_lease`` raises CacheUnavailable."""
        assert self.fails(lambda: out_of_reach.free_lease(Lease("k", "owner", 1)))

    def test_close_does_not_fail(self, out_of_reach: Cache) -> None:
        """``close`` raises nothing: it comes at the very end."""
        assert not self.fails(out_of_reach.close)
