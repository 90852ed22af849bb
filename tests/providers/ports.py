"""Ports for servers that can't choose one by themselves, and can't be given a socket."""

from __future__ import annotations

import contextlib
import random
import socket

__all__ = ["free_port"]

PORTS = (15_000, 32_000)
"""Linux gives none of these to outgoing connections, so nobody takes one by chance once it is found free."""


def free_port(*, offset: int = 0) -> int:
    """Return a port that nobody uses; with an offset, one whose second port, so far above it, nobody uses either."""
    while True:
        port = random.randrange(PORTS[0], PORTS[1] - offset)
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", port)),
            socket.create_server(("127.0.0.1", port + offset)) if offset else contextlib.nullcontext(),
        ):
            return port
