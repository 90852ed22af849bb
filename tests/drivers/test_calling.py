"""What both kinds of client are made with."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from fotoweb_middleware.drivers.calling import ClientOptions, client_options, tls_context
from tests.settings.samples import settings

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
    assert options.load()["verify"].cert_store_stats()["x509_ca"] == 1
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
