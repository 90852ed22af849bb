"""Every promise of a server cache (``caches/protocol.py``) as a test, for whoever writes one.

Subclass ``CacheContract`` in a test module and give pytest a fixture ``trial``:

    class TestMyCache(CacheContract):
        @pytest.fixture
        def trial(self):
            clock = FakeClock()
            return CacheTrial(MyCache(size=20, clock=clock), advance=clock.advance)

``SharedCacheContract`` is for a cache that several processes share, and takes one fixture more: ``elsewhere``, the same
cache as another process opens it. ``OutageContract`` is for a cache whose storage may be out of reach, and takes
``out_of_reach``, a cache whose storage is.

The awaitable face runs through the same promises behind ``BlockingFace``.
A cache whose clock can't be turned gives ``time.sleep`` for ``advance`` and sets ``unit_seconds`` to a fraction of a
second. For readable failures call ``pytest.register_assert_rewrite`` with this package's name before the import.
"""

from __future__ import annotations

from fotoweb_middleware.testing.cache_contract.entries import Entries
from fotoweb_middleware.testing.cache_contract.leases import Leases
from fotoweb_middleware.testing.cache_contract.outages import Outages
from fotoweb_middleware.testing.cache_contract.sharing import Sharing
from fotoweb_middleware.testing.cache_contract.tombstones import Tombstones
from fotoweb_middleware.testing.cache_contract.trial import BlockingFace, CacheTrial

__all__ = ["BlockingFace", "CacheContract", "CacheTrial", "OutageContract", "SharedCacheContract"]


class CacheContract(Entries, Tombstones, Leases):
    """All promises that every cache makes: of entries, of tombstones and of leases."""


class SharedCacheContract(Sharing):
    """What a cache promises besides, where several processes share it."""


class OutageContract(Outages):
    """What a cache promises besides, where its storage may be out of reach."""
