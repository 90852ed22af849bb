"""The witness app behind a middleware whose clock a test turns; importing it turns the clock of this process.

``wrap`` imports the app before it makes the middleware, which has no variable for its clock: so the doors get another
default here, in the server's process alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from tests.attacks.turned_clock import CLOCK, TurnedClock
from tests.attacks.witness_app import asgi, wsgi

__all__ = ["asgi", "wsgi"]

if CLOCK in os.environ:  # Not where a test only imports this.
    TURNED = TurnedClock(Path(os.environ[CLOCK]))
    for door in (FotoWebASGIMiddleware, FotoWebWSGIMiddleware):
        defaults = door.__init__.__kwdefaults__ or {}
        door.__init__.__kwdefaults__ = {**defaults, "clock": TURNED.wall, "monotonic": TURNED.monotonic}
