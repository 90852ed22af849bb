"""Tests of everything that a session store (``stores/base.py``) must do, for anyone who writes one.

Subclass ``StoreContract`` in a test module and give pytest a fixture ``trial``:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def trial(self):
            clock = FakeClock()
            return StoreTrial(MyStore(size=20, clock=clock), advance=clock.advance)

``SharedStoreContract`` is for a store that several processes share, and needs one more fixture: ``elsewhere``, the same
store as opened by another process. ``OutageContract`` is for a store whose storage may be unreachable, and needs
``out_of_reach``, a store whose storage can't be reached.

If you can't move the store's clock, pass ``time.sleep`` as ``advance`` and set ``unit_seconds`` to a fraction of a
second. For readable failures, call ``pytest.register_assert_rewrite`` with this package's name before the import.
"""

from __future__ import annotations

from fotoweb_middleware.testing.store_contract.entries import Entries
from fotoweb_middleware.testing.store_contract.keys import Keys
from fotoweb_middleware.testing.store_contract.locks import Locks
from fotoweb_middleware.testing.store_contract.outages import Outages
from fotoweb_middleware.testing.store_contract.revocations import Revocations
from fotoweb_middleware.testing.store_contract.sharing import Sharing
from fotoweb_middleware.testing.store_contract.single_use import SingleUse
from fotoweb_middleware.testing.store_contract.trial import StoreTrial

__all__ = ["OutageContract", "SharedStoreContract", "StoreContract", "StoreTrial"]


class StoreContract(Entries, Revocations, Locks, SingleUse, Keys):
    """What every store must do with entries, revocations, locks, single-use keys, and finding keys."""


class SharedStoreContract(Sharing):
    """What a store must also do if several processes share it."""


class OutageContract(Outages):
    """What a store must also do if its storage may be unreachable."""
