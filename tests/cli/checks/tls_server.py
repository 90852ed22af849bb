"""A TLS server on this machine with a certificate of our choice, good or bad."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["Certificate", "make_certificate", "serve_tls"]

ANSWER = b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate and its key, as PEM files."""

    certificate: Path
    key: Path


def make_certificate(
    folder: Path, *, host: str = "localhost", days_from_now: tuple[int, int] = (-1, 1), subject: str | None = None
) -> Certificate:
    """Make a self-signed certificate for ``host`` that is valid between two days counted from today.

    ``subject`` is the host where it is left out; of several in one bundle each needs another, or OpenSSL mixes them up.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject or host)])
    start, end = (dt.datetime.now(dt.UTC) + dt.timedelta(days=days) for days in days_from_now)
    public_key = key.public_key()
    certificate = (
        x509.CertificateBuilder(name, name, public_key, x509.random_serial_number(), start, end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


@contextlib.contextmanager
def serve_tls(certificate: Certificate) -> Iterator[int]:
    """Answer one connection on a free port of this machine, and yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with socket.create_server(("localhost", 0)) as listening:
        listening.settimeout(20)
        thread = threading.Thread(target=_answer_once, args=(listening, context))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join(timeout=20)


def _answer_once(listening: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError), listening.accept()[0] as plain:
        plain.settimeout(20)
        with context.wrap_socket(plain, server_side=True) as secured:
            secured.recv(65_536)
            secured.sendall(ANSWER)
