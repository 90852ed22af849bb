"""``rediss://``: TLS to Redis, with the certificate and its name checked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.redis_kit import OWN_FACES, admin, free_port, open_face
from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a certificate of our own for 127.0.0.1, and one for another name."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    folder = tmp_path_factory.mktemp("certificates")
    for name, alternative in (("right", "IP:127.0.0.1"), ("other", "DNS:elsewhere.example")):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={alternative}"]
        command += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def with_tls(server: RedisServer, folder: Path, name: str) -> str:
    """Have a Redis speak TLS on another port, and return the address there; skip where it was built without."""
    port = free_port()
    with admin(server.url) as client:
        try:
            client.config_set(
                "tls-cert-file", str(folder / f"{name}.pem"),
                "tls-key-file", str(folder / f"{name}.key"),
                "tls-ca-cert-file", str(folder / f"{name}.pem"),
                "tls-auth-clients", "no",
                "tls-port", str(port),
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 (another error in each version)
            pytest.skip(f"this Redis speaks no TLS: {type(error).__name__}")
    return f"rediss://127.0.0.1:{port}/0"


@pytest.fixture
def tls_url(redis_server: RedisServer, certificates: Path) -> str:
    """Return an address with a certificate that fits it."""
    return with_tls(redis_server, certificates, "right")


@pytest.mark.parametrize("face", OWN_FACES)
def test_trusted(tls_url: str, certificates: Path, face: str) -> None:
    """With the CA given, everything works over TLS."""
    with open_face(face, f"{tls_url}?ssl_ca_certs={certificates}/right.pem") as cache:
        assert cache.save("k", b"v", version=1, ttl_seconds=60, create=True) is SaveOutcome.SAVED


@pytest.mark.parametrize("face", OWN_FACES)
def test_untrusted(tls_url: str, face: str) -> None:
    """A certificate of an unknown CA is refused, and said to be the cause."""
    with open_face(face, tls_url) as cache, pytest.raises(CacheUnavailable, match="certificate"):
        cache.load("k")


@pytest.mark.parametrize("face", OWN_FACES)
def test_wrong_name(redis_server: RedisServer, certificates: Path, face: str) -> None:
    """A trusted certificate for another host is refused."""
    url = with_tls(redis_server, certificates, "other")
    with (
        open_face(face, f"{url}?ssl_ca_certs={certificates}/other.pem") as cache,
        pytest.raises(CacheUnavailable, match="certificate"),
    ):
        cache.load("k")


@pytest.mark.parametrize("face", OWN_FACES)
def test_unchecked(tls_url: str, face: str) -> None:
    """Who asks for no check gets none."""
    with open_face(face, f"{tls_url}?ssl_cert_reqs=none") as cache:
        assert cache.load("k") is None


@pytest.mark.parametrize("face", OWN_FACES)
def test_ca_file_missing(tls_url: str, face: str) -> None:
    """A CA file that is not there makes the cache unavailable."""
    with open_face(face, f"{tls_url}?ssl_ca_certs=/nowhere.pem") as cache, pytest.raises(CacheUnavailable):
        cache.load("k")


@pytest.mark.parametrize("face", OWN_FACES)
def test_plain_where_tls_is_wanted(redis_server: RedisServer, face: str) -> None:
    """TLS spoken to a port without it ends within the time-out."""
    url = redis_server.url.replace("redis://", "rediss://")
    with open_face(face, url, timeout_seconds=0.4) as cache, pytest.raises(CacheUnavailable):
        cache.load("k")
