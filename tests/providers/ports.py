"""Ports for servers that can't choose one by themselves, and can't be given a socket."""

from __future__ import annotations

import contextlib
import random
import socket

__all__ = ["free_port"]

PORTS = (15_000, 32_000)
"""Linux gives none of these to outgoing connections, so nobody takes one by chance once it is found free."""


def free_port() -> int:
    """Return a port that nobody uses."""
    while True:
        port = random.randrange(*PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
