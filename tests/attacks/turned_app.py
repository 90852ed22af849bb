"""The witness app behind a middleware whose clock a test turns; importing it turns the clock of this process."""

from __future__ import annotations

from tests.attacks.witness_app import asgi, wsgi
from tests.servers.turned_clock import turn_middlewares

__all__ = ["asgi", "wsgi"]

turn_middlewares()
