"""Every promise of a server cache (``caches/protocol.py``) as a test, for whoever writes one.

Subclass ``CacheContract`` in a test module and give pytest a fixture ``trial``:

    class TestMyCache(CacheContract):
        @pytest.fixture
        def trial(self):
            clock = FakeClock()
            return CacheTrial(MyCache(size=20, clock=clock), advance=clock.advance)

The awaitable face runs through the same promises behind ``BlockingFace``.
A cache whose clock can't be turned gives ``time.sleep`` for ``advance`` and sets ``unit_seconds`` to a fraction of a
second. For readable failures call ``pytest.register_assert_rewrite`` with this package's name before the import.
"""

from __future__ import annotations

from fotoweb_middleware.testing.cache_contract.entries import Entries
from fotoweb_middleware.testing.cache_contract.leases import Leases
from fotoweb_middleware.testing.cache_contract.tombstones import Tombstones
from fotoweb_middleware.testing.cache_contract.trial import BlockingFace, CacheTrial

__all__ = ["BlockingFace", "CacheContract", "CacheTrial"]


class CacheContract(Entries, Tombstones, Leases):
    """All promises: of entries, of tombstones and of leases."""
