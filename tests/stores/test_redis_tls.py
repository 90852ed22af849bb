"""``rediss://``: TLS to Redis, with the certificate and its name checked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.stores.base import SaveOutcome
from tests.providers.redis_server import RedisServer
from tests.stores.redis_kit import SHORT_SECONDS, failure, open_store, speaking

pytestmark = pytest.mark.redis


def forward(source: socket.socket, target: socket.socket) -> None:
    """Hand on whatever comes, until one side ends it."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def in_front_of(server: RedisServer, certificate: Path) -> Callable[[socket.socket], None]:
    """Return a talk that speaks TLS and hands everything on to a Redis: not every Redis is built with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    port = int(server.url.rsplit(":", 1)[1].partition("/")[0])

    def talk(peer: socket.socket) -> None:
        with (
            context.wrap_socket(peer, server_side=True) as plain,
            socket.create_connection(("127.0.0.1", port)) as inner,
        ):
            back = threading.Thread(target=forward, args=(inner, plain), daemon=True)
            back.start()
            forward(plain, inner)
            back.join(10)

    return talk


@pytest.fixture
def url(request: pytest.FixtureRequest, redis_server: RedisServer, certificates: Path) -> Iterator[str]:
    """Return an address with TLS, by default with the right certificate."""
    name = getattr(request, "param", "right")
    with speaking(in_front_of(redis_server, certificates / f"{name}.pem")) as address:
        yield address.replace("redis://", "rediss://")


def test_trusted(url: str, certificates: Path) -> None:
    """With the CA given, everything works over TLS."""
    with open_store(f"{url}?ssl_ca_certs={certificates}/right.pem") as store:
        assert store.save("k", b"v", version=1, ttl_seconds=60, create=True) is SaveOutcome.SAVED


def test_untrusted(url: str) -> None:
    """A certificate of an unknown CA is refused, and said to be the cause."""
    with open_store(url) as store:
        assert "its TLS certificate is not one we trust" in failure(lambda: store.load("k"))


@pytest.mark.parametrize("url", ["other"], indirect=True)
def test_wrong_name(url: str, certificates: Path) -> None:
    """A trusted certificate for another host is refused."""
    with open_store(f"{url}?ssl_ca_certs={certificates}/other.pem") as store:
        assert "its TLS certificate is not one we trust" in failure(lambda: store.load("k"))


def test_unchecked(url: str) -> None:
    """An address that asks for no check gets none."""
    with open_store(f"{url}?ssl_cert_reqs=none") as store:
        assert store.load("k") is None


def test_ca_file_missing(url: str) -> None:
    """A CA file that is not there is told as such."""
    with open_store(f"{url}?ssl_ca_certs=/nowhere.pem") as store:
        assert "a file that FOTOWEB_CACHE names" in failure(lambda: store.load("k"))


def test_tls_where_none_is_spoken(redis_server: RedisServer) -> None:
    """TLS spoken to a Redis without it says what to look at: some hang up, some wait for more."""
    url = redis_server.url.replace("redis://", "rediss://")
    with open_store(url, timeout_seconds=SHORT_SECONDS) as store:
        words = failure(lambda: store.load("k"))
    assert "TLS failed" in words or "port and scheme (redis:// or rediss://)" in words


def test_none_spoken_where_tls_is(url: str) -> None:
    """A server that wants TLS and gets none says what to look at."""
    with open_store(url.replace("rediss://", "redis://")) as store:
        words = failure(lambda: store.load("k"))
    assert "TLS failed" in words or "port and scheme (redis:// or rediss://)" in words or "not speak" in words
