"""What a call from an event loop tells of its failure: what happened, and nothing of what came."""

from __future__ import annotations

import socket
import traceback
from typing import Any

import anyio
import pytest

from fotoweb_middleware.effects import PostForm
from fotoweb_middleware.errors import FotoWebUnreachable
from tests.cli.checks.tls_server import Certificate, make_certificate, serve_tls
from tests.drivers.kit import ToyCache, awaiting_driver, perform, raw_server

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def failure(url: str, backend: str, **changes: Any) -> FotoWebUnreachable:
    """Call in vain, and return the error."""
    with pytest.raises(FotoWebUnreachable) as raised:
        anyio.run(awaiting_driver(ToyCache(), None, **changes).run, perform(PostForm(url, ())), backend=backend)
    return raised.value


@BACKENDS
@pytest.mark.parametrize(
    "answer",
    [
        b"T0K3N\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: T0K3N\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nT0K3N\r\n\r\n",
    ],
    ids=["status line", "length", "header"],
)
def test_garbled_answer(answer: bytes, backend: str) -> None:
    """A garbled answer is named as that, and neither the text nor a traceback quotes it (R-LG1)."""
    with raw_server(answer) as server:
        error = failure(server.url, backend)

    assert str(error) == "FotoWeb could not be reached (RemoteProtocolError)"
    assert "T0K3N" not in "".join(traceback.format_exception(error))


@BACKENDS
def test_nobody_listens(backend: str) -> None:
    """A refused connection says so, and shows no other library's traceback."""
    with socket.socket() as bound:  # Bound and not listening: nobody else gets the port meanwhile.
        bound.bind(("127.0.0.1", 0))
        error = failure(f"http://127.0.0.1:{bound.getsockname()[1]}", backend)

    assert str(error).startswith("FotoWeb could not be reached (ConnectError: ")
    assert "httpcore" not in "".join(traceback.format_exception(error))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return a certificate that nobody trusts."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@BACKENDS
def test_certificate_of_nobody(certificate: Certificate, backend: str) -> None:
    """A certificate that does not hold is named: whoever reads the log knows what to mend."""
    with serve_tls(certificate) as port:
        error = failure(f"https://localhost:{port}", backend)

    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
