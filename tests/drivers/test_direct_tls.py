"""Calls from event loops over TLS; that certificates are checked ``tests/attacks`` shows."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import anyio
import anyio.to_thread
import pytest

from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.effects import PostForm
from fotoweb_middleware.errors import FotoWebUnreachable
from tests.cli.checks.tls_server import Certificate, make_certificate
from tests.drivers.kit import ToyCache, awaiting_driver, perform, whole_request

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return a certificate for this machine."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@contextlib.contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Do with one connection what a function says; yield the https URL, and wait for the function in the end."""
    with socket.create_server(("localhost", 0)) as listener:

        def serve_one() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(10)
                serve(connection)

        thread = threading.Thread(target=serve_one)
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


def secured(certificate: Certificate, connection: socket.socket) -> ssl.SSLSocket:
    """Shake hands, with a server that would rather speak HTTP/2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context.wrap_socket(connection, server_side=True)


def trusting_driver(certificate: Certificate) -> AwaitingDriver:
    """Return a driver that trusts the certificate."""
    return awaiting_driver(ToyCache(), None, ca_bundle=str(certificate.certificate))


@BACKENDS
def test_answer(backend: str, certificate: Certificate) -> None:
    """An answer comes over TLS, in HTTP/1.1 even where the server knows HTTP/2."""
    spoken: list[str | None] = []

    def serve(connection: socket.socket) -> None:
        with secured(certificate, connection) as stream:
            spoken.append(stream.selected_alpn_protocol())
            whole_request(stream)
            stream.sendall(ANSWER)

    with serving(serve) as url:
        reply = anyio.run(trusting_driver(certificate).run, perform(PostForm(url, ())), backend=backend)
    assert (reply.status, reply.body, spoken) == (200, b"{}", ["http/1.1"])


@BACKENDS
def test_given_up_while_shaking_hands(backend: str, certificate: Certificate) -> None:
    """A call that is given up while hands are shaken leaves no connection open."""
    begun, received = threading.Event(), list[bytes]()

    def serve(connection: socket.socket) -> None:
        received.append(connection.recv(65_536))
        begun.set()
        while received[-1]:
            received.append(connection.recv(65_536))

    async def call_and_go(url: str) -> None:
        async with anyio.create_task_group() as calls:
            calls.start_soon(trusting_driver(certificate).run, perform(PostForm(url, ())))
            assert await anyio.to_thread.run_sync(begun.wait, 10)
            calls.cancel_scope.cancel()

    with serving(serve) as url:
        anyio.run(call_and_go, url, backend=backend)
    assert (len(received[0]) > 1, received[-1]) == (True, b"")


@BACKENDS
@pytest.mark.parametrize("is_before", [True, False], ids=["instead of a handshake", "instead of an answer"])
def test_garbled(backend: str, certificate: Certificate, is_before: bool) -> None:
    """Bytes that are no TLS count as no answer, whenever they come; the error quotes none of them."""

    def serve(connection: socket.socket) -> None:
        raw = connection
        if not is_before:
            stream = secured(certificate, connection)
            whole_request(stream)
            raw = socket.socket(fileno=stream.detach())
            raw.settimeout(10)
        else:
            connection.recv(65_536)
        with raw:
            raw.sendall(b"T0K3N " * 100)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65_536):
                pass

    with serving(serve) as url, pytest.raises(FotoWebUnreachable) as raised:
        anyio.run(trusting_driver(certificate).run, perform(PostForm(url, ())), backend=backend)
    assert "T0K3N" not in str(raised.value)
