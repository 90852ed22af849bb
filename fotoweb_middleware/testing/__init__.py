"""What tests of an application behind the middleware need. Comes with the extra `testing`.

`FakeFotoWeb` simulates a FotoWeb site: behaviour modelled on public documentation; not affiliated with or endorsed
by Fotoware. `FakeClock` is a clock that tests turn by hand.
"""

from __future__ import annotations

from fotoweb_middleware.testing.clock import FakeClock
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

__all__ = [
    "ROTATE_ALWAYS",
    "ROTATE_NEVER",
    "Client",
    "Endpoint",
    "FakeClock",
    "FakeFotoWeb",
    "Fault",
    "RequestRecord",
    "Serving",
    "Switches",
    "TokenRequest",
    "User",
    "fingerprint",
]
