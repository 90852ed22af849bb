"""Tools for testing an app behind the middleware. Needs the extra `testing`.

`FakeFotoWeb` simulates a FotoWeb site: behaviour modelled on public documentation; not affiliated with or endorsed
by Fotoware. `FakeClock` is a clock that tests move by hand. `SimulatedFotoWeb` and `SignIn` are the types of the pytest
fixtures `fotoweb` and `sign_in` (docs/how-to/test-your-app.md). `StoreContract` and its companions test a
session store of your own (docs/how-to/write-your-own-store.md).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fotoweb_middleware.testing.clock import FakeClock, ForwardClock
from fotoweb_middleware.testing.fake_fotoweb import (
    ROTATE_ALWAYS,
    ROTATE_NEVER,
    Client,
    Endpoint,
    FakeFotoWeb,
    Fault,
    RequestRecord,
    Serving,
    Switches,
    TokenRequest,
    User,
    fingerprint,
)
from fotoweb_middleware.testing.sign_in import SignIn
from fotoweb_middleware.testing.simulated_fotoweb import SimulatedFotoWeb

if TYPE_CHECKING:
    from fotoweb_middleware.testing.store_contract import (
        OutageContract,
        SharedStoreContract,
        StoreContract,
        StoreTrial,
    )

__all__ = [
    "ROTATE_ALWAYS",
    "ROTATE_NEVER",
    "Client",
    "Endpoint",
    "FakeClock",
    "FakeFotoWeb",
    "Fault",
    "ForwardClock",
    "OutageContract",
    "RequestRecord",
    "Serving",
    "SharedStoreContract",
    "SignIn",
    "SimulatedFotoWeb",
    "StoreContract",
    "StoreTrial",
    "Switches",
    "TokenRequest",
    "User",
    "fingerprint",
]

CONTRACT = ("OutageContract", "SharedStoreContract", "StoreContract", "StoreTrial")
"""Imported when first asked for: it is for tests of stores alone, and pytest rewrites its assertions only where it was
told to (`pytest.register_assert_rewrite`) before the import."""


if not TYPE_CHECKING:  # Type checkers would believe that every name is there.

    def __getattr__(name: str) -> Any:
        """Import a name of the suite for stores (PEP 562)."""
        if name not in CONTRACT:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(import_module(f"{__name__}.store_contract"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the names of the suite for stores too, imported or not."""
    return sorted({*globals(), *__all__})
