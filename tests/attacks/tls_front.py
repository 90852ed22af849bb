"""TLS in front of a scripted FotoWeb, with whatever certificate a test wants."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from tests.cli.checks.tls_server import Certificate
from tests.providers.raw_server import whole_request

__all__ = ["HANDSHAKE", "tls_front"]

HANDSHAKE = b"\x16"
"""The first byte of whoever speaks TLS (RFC 8446, 5.1)."""

PATIENCE_SECONDS = 10.0


@contextlib.contextmanager
def tls_front(choose: Callable[[], Certificate], fotoweb_url: str) -> Iterator[tuple[str, list[bytes]]]:
    """Pass what comes over TLS on to a FotoWeb; yield the https URL, and the first byte of each connection so far.

    Args:
        choose: Returns the certificate for a connection.
        fotoweb_url: Where requests go.
    """
    first_bytes: list[bytes] = []
    with socket.create_server(("localhost", 0)) as listener:
        thread = threading.Thread(target=accept_all, args=(listener, choose, fotoweb_url, first_bytes))
        thread.start()
        try:
            yield f"https://localhost:{listener.getsockname()[1]}", first_bytes
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_SECONDS)


def accept_all(
    listener: socket.socket, choose: Callable[[], Certificate], fotoweb_url: str, first_bytes: list[bytes]
) -> None:
    """Serve one connection after the other, until the listener is shut."""
    with contextlib.suppress(OSError):
        while True:
            plain, _ = listener.accept()
            with plain, contextlib.suppress(OSError):  # A client that trusts us not breaks off.
                plain.settimeout(PATIENCE_SECONDS)
                first_bytes.append(plain.recv(1, socket.MSG_PEEK))
                with context_for(choose()).wrap_socket(plain, server_side=True) as secured:
                    pass_on(secured, fotoweb_url)


def context_for(certificate: Certificate) -> ssl.SSLContext:
    """Return what shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def pass_on(secured: ssl.SSLSocket, fotoweb_url: str) -> None:
    """Pass one request on, and its answer back."""
    parts = urlsplit(fotoweb_url)
    request = whole_request(secured)
    with socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE_SECONDS) as onward:
        onward.sendall(request)
        while part := onward.recv(65_536):
            secured.sendall(part)
