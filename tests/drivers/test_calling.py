"""What both kinds of client are made with."""

from __future__ import annotations

import ssl
import sys
import urllib.request
from pathlib import Path

import certifi
import pytest

from fotoweb_middleware.drivers.calling import (
    ClientOptions,
    ReplyReader,
    client_options,
    is_proxy_named,
    tls_context,
)
from fotoweb_middleware.errors import FotoWebNonsense
from tests.settings.samples import settings

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
END = "-----END CERTIFICATE-----\n"


def test_tls_verifies() -> None:
    """Certificates and host names are always checked (R-TE2)."""
    context = tls_context(settings())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_own_ca_alone(tmp_path: Path) -> None:
    """FOTOWEB_CA_BUNDLE replaces the system's authorities, and does not add to them."""
    first = Path(certifi.where()).read_text().split("-----END CERTIFICATE-----")[0] + END
    bundle = tmp_path / "ca.pem"
    bundle.write_text(first)
    assert tls_context(settings(ca_bundle=str(bundle))).cert_store_stats()["x509_ca"] == 1


def test_own_ca_is_read_at_the_start(tmp_path: Path) -> None:
    """What the server may not read any more once it has started is read before; the rest is loaded later."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(Path(certifi.where()).read_text().split("-----END CERTIFICATE-----")[0] + END)
    options = ClientOptions(settings(ca_bundle=str(bundle)), None)
    bundle.unlink()

    assert not options.are_loaded
    assert options.load().tls.cert_store_stats()["x509_ca"] == 1
    assert options.are_loaded


def bare_context(**_: object) -> ssl.SSLContext:
    """Stand in for a machine without certificate authorities."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def test_machine_without_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without authorities of its own uses Mozilla's list."""
    monkeypatch.setattr(ssl, "create_default_context", bare_context)
    assert tls_context(settings()).cert_store_stats()["x509_ca"] > 50


def test_machine_with_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with authorities of its own uses those alone."""

    def one_authority(**_: object) -> ssl.SSLContext:
        context = bare_context()
        first = Path(certifi.where()).read_text().split("-----END CERTIFICATE-----")[0]
        context.load_verify_locations(cadata=f"{first}-----END CERTIFICATE-----\n")
        return context

    monkeypatch.setattr(ssl, "create_default_context", one_authority)
    assert tls_context(settings()).cert_store_stats()["x509_ca"] == 1


def test_no_kept_connections() -> None:
    """No connection is kept for another call, and no redirect is followed."""
    options = client_options(settings(http_timeout=7))
    assert (options["limits"].max_keepalive_connections, options["follow_redirects"], options["timeout"]) == (
        0,
        False,
        7,
    )


@pytest.fixture
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the proxies out of the environment."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(("may", "transport", "needs"), [(True, None, False), (True, "T", True), (False, None, True)])
@pytest.mark.usefixtures("without_proxies")
def test_made_for_httpx(may: bool, transport: object, needs: bool) -> None:
    """What httpx is made with is there where it calls: for a test's transport, and where nothing else can."""
    loaded = ClientOptions(settings(), transport, may_do_without_httpx=may).load()

    assert bool(loaded.for_httpx) is needs
    assert loaded.for_httpx.get("transport") == transport
    assert loaded.for_httpx.get("verify", loaded.tls) is loaded.tls


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("without_proxies")
def test_proxies_of_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the three variables names a proxy, in either case; exceptions alone name none."""
    for written in (name, name.upper()):
        monkeypatch.setenv(written, "http://127.0.0.1:3128")
        assert is_proxy_named() is (name != "no_proxy")
        monkeypatch.delenv(written)
    assert not is_proxy_named()


@pytest.mark.parametrize(("system", "is_asked"), [("linux", False), ("darwin", True), ("win32", True)])
@pytest.mark.usefixtures("without_proxies")
def test_proxies_of_the_system(system: str, is_asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the operating system has settings of its own, a proxy of those counts."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://127.0.0.1:3128"})

    assert is_proxy_named() is is_asked


def test_headers_of_an_answer() -> None:
    """Names count in any case, several headers of one name are one, and what is not ASCII is no error."""
    reader = ReplyReader(503, [(b"Retry-After", b"5"), (b"retry-after", b"\xe9"), (b"Date", b"x")])
    reader.add(b"a")
    reader.add(b"b")
    reply = reader.reply()

    assert (reply.status, reply.retry_after, reply.body) == (503, "5, \xe9", b"ab")


@pytest.mark.parametrize("encoding", [b"", b" Identity "])
def test_uncompressed_by_name(encoding: bytes) -> None:
    """An answer that says that it is not compressed is taken."""
    assert ReplyReader(200, [(b"content-encoding", encoding)]).reply().status == 200


def test_compressed_in_any_case() -> None:
    """An answer that is compressed is refused, however the header is written."""
    with pytest.raises(FotoWebNonsense, match="compressed"):
        ReplyReader(200, [(b"CONTENT-ENCODING", b"GZIP")])
