"""Where the demo listens."""

from __future__ import annotations

import errno
import socket
from typing import Final

__all__ = ["listen", "listen_nearby", "public_host"]

BACKLOG: Final = 128
HIGHEST_PORT: Final = 65_535
PORTS_TRIED: Final = 100
LOOPBACK: Final = {"127.0.0.1": "::1", "::1": "127.0.0.1"}
THIS_MACHINE: Final = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", ""}  # noqa: S104 (compared, not bound)
ADVICE: Final = "it is taken. Stop the program that has it, or choose another port with --port"


def public_host(host: str) -> str:
    """Return the host to type into a browser for one to listen on.

    It is ``localhost`` wherever that leads here: with FotoWeb at 127.0.0.1 the two are different sites for cookies,
    as they are in real life.
    """
    if host in THIS_MACHINE:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Args:
        host: A name or an address.
        port: 0 takes a free one.

    Raises:
        OSError: The port is taken (EADDRINUSE, with advice), or the address can't be used.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        refuse_half_taken(str(address[0]), port)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(errno.EADDRINUSE, ADVICE) from error
        raise
    return listener


def refuse_half_taken(address: str, port: int) -> None:
    """Raise where somebody else has the port on the other loopback address: ``localhost`` could lead a browser there.

    Raises:
        OSError: EADDRINUSE.
    """
    other = LOOPBACK.get(address)
    if other is None or port == 0:
        return
    family = socket.AF_INET6 if ":" in other else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((other, port))
    except OSError as error:  # Where there is no such address nobody can have it.
        if error.errno == errno.EADDRINUSE:
            raise


def listen_nearby(host: str, port: int) -> socket.socket:
    """Open a listening socket on this port, or on the next free one.

    Raises:
        OSError: A hundred ports in a row are taken, or the address can't be used.
    """
    last = min(port + PORTS_TRIED, HIGHEST_PORT)
    for candidate in range(port, last):
        try:
            return listen(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return listen(host, last)
