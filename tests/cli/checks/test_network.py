"""Why no answer came, in plain words: names, ports, certificates, silence."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from fotoweb_middleware.cli.checks.finding import Finding
from fotoweb_middleware.cli.checks.network import Reply, ask, explain
from fotoweb_middleware.fotoweb.http import client_options
from tests.cli.checks.tls_server import make_certificate, serve_tls
from tests.cli.samples import settings


def _ask(url: str, **changes: Any) -> Reply | Finding:
    with httpx.Client(**client_options(settings(**changes))) as client:
        return ask(client, "GET", url, accept="text/html")


def _problem(url: str, **changes: Any) -> str:
    finding = _ask(url, **changes)
    assert isinstance(finding, Finding)
    assert finding.level == "bad"
    assert finding.hint
    return str(finding)


def test_ca_bundle_is_honoured(tmp_path: Path) -> None:
    """With the private authority in FOTOWEB_CA_BUNDLE an answer comes."""
    certificate = make_certificate(tmp_path)
    with serve_tls(certificate) as port:
        reply = _ask(f"https://localhost:{port}/", ca_bundle=certificate.certificate)

    assert isinstance(reply, Reply)
    assert reply.status == 418


def test_self_signed(tmp_path: Path) -> None:
    """An unknown authority is named, with the variable that helps."""
    with serve_tls(make_certificate(tmp_path)) as port:
        text = _problem(f"https://localhost:{port}/")

    assert "is signed by an authority that is unknown here (self-signed certificate)" in text
    assert "FOTOWEB_CA_BUNDLE" in text


def test_certificate_for_another_host(tmp_path: Path) -> None:
    """A certificate for another name is told apart from an unknown authority."""
    certificate = make_certificate(tmp_path, host="other.example")
    with serve_tls(certificate) as port:
        text = _problem(f"https://localhost:{port}/", ca_bundle=certificate.certificate)

    assert "not valid for 'localhost'.\n" in text


@pytest.mark.parametrize(("days", "words"), [((-3, -2), "has expired"), ((2, 3), "is not yet valid")])
def test_certificate_out_of_its_time(tmp_path: Path, days: tuple[int, int], words: str) -> None:
    """An expired certificate, and one that is not valid yet, are named as such."""
    certificate = make_certificate(tmp_path, days_from_now=days)
    with serve_tls(certificate) as port:
        text = _problem(f"https://localhost:{port}/", ca_bundle=certificate.certificate)

    assert words in text


def test_reason_of_openssl() -> None:
    """What is wrong with a certificate is told in OpenSSL's words; the rest of the error may hold anything."""
    cause = ssl.SSLCertVerificationError(1, "planted")
    cause.verify_message = "certificate revoked"
    error = httpx.ConnectError("planted")
    error.__cause__ = cause
    finding = explain(error, httpx.URL("https://tenant.example/"))

    assert finding.what == "The certificate of tenant.example is not accepted: certificate revoked."
    assert "FOTOWEB_CA_BUNDLE" in finding.hint


@pytest.mark.parametrize(
    ("url", "port"), [("https://f.example/", 443), ("http://f.example/", 80), ("http://f.example:8/", 8)]
)
def test_port_of_the_scheme(url: str, port: int) -> None:
    """Where the address has no port, the scheme's own is named."""
    error = httpx.ConnectError("planted")
    error.__cause__ = ConnectionRefusedError()

    assert f"on port {port}." in str(explain(error, httpx.URL(url)))


def test_refused() -> None:
    """Nobody listening is told with the port."""
    with socket.create_server(("localhost", 0)) as listening:
        port = listening.getsockname()[1]

    assert f"refuses connections on port {port}" in _problem(f"http://localhost:{port}/")


def test_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that DNS does not know is told as such."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert "The name tenant.example can't be found (DNS)" in _problem("https://tenant.example/")


def test_silence() -> None:
    """A server that accepts and says nothing: the call ends after FOTOWEB_HTTP_TIMEOUT."""
    with socket.create_server(("localhost", 0)) as listening:
        text = _problem(f"http://localhost:{listening.getsockname()[1]}/", http_timeout=0.1)

    assert "accepted the connection, but did not answer within FOTOWEB_HTTP_TIMEOUT" in text


def _serve_once(listening: socket.socket, answer: bytes) -> threading.Thread:
    def serve() -> None:
        with listening.accept()[0] as connection:
            connection.recv(65_536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_no_tls_on_that_port() -> None:
    """A server that speaks plain http on a port for https is told as such."""
    with socket.create_server(("localhost", 0)) as listening:
        thread = _serve_once(listening, b"HTTP/1.1 400 Bad Request\r\n\r\n")
        text = _problem(f"https://localhost:{listening.getsockname()[1]}/")
        thread.join(timeout=20)

    assert "does not speak TLS" in text


def test_broken_connection() -> None:
    """A connection that ends without an answer is told as such."""
    with socket.create_server(("localhost", 0)) as listening:
        thread = _serve_once(listening, b"")
        text = _problem(f"http://localhost:{listening.getsockname()[1]}/")
        thread.join(timeout=20)

    assert "broke" in text


def test_long_bodies_are_cut() -> None:
    """No more than 64 KiB of an answer are kept."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=iter([b"x" * 10_000] * 100)))
    with httpx.Client(transport=transport) as client:
        reply = ask(client, "GET", "https://tenant.example/", accept="text/html")

    assert isinstance(reply, Reply)
    assert len(reply.body) == 65_536
