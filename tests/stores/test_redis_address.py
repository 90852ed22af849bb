"""Which Redis addresses are taken, and with which options."""

from __future__ import annotations

import ssl
import subprocess
import sys
from typing import Any

import pytest

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.stores.redis import RedisStore, read_address


def read(address: str) -> dict[str, Any]:
    """Read an address that must be accepted."""
    options = read_address(address)
    assert options is not None
    return options


def connection(address: str) -> Any:
    """Return a connection, not yet opened, as a store for this address makes it."""
    return RedisStore(address)._client.connection_pool.make_connection()


def test_all_parts() -> None:
    """User, password, host, port and database are read, percent-decoded."""
    assert read("redis://us%40er:p%2Fw@cache.example:6380/4?client_name=app&max_connections=5") == {
        "username": "us@er",
        "password": "p/w",
        "host": "cache.example",
        "port": 6380,
        "db": 4,
        "client_name": "app",
        "max_connections": 5,
    }


def test_tls_checks_names() -> None:
    """With TLS the certificate and its host name are checked, unless the address says otherwise."""
    made = connection("rediss://cache.example")
    assert (made.cert_reqs, made.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_tls_options() -> None:
    """Options of TLS are handed on."""
    options = read("rediss://h?ssl_ca_certs=/ca.pem&ssl_check_hostname=false&ssl_certfile=c&ssl_keyfile=k")
    assert (options["ssl_ca_certs"], options["ssl_check_hostname"]) == ("/ca.pem", False)


def test_tls_unchecked() -> None:
    """Who asks for no check of the certificate gets none of its name either (Python refuses the other)."""
    made = connection("rediss://h?ssl_cert_reqs=none")
    assert (made.cert_reqs, made.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(
    "option",
    [
        "socket_timeout=60",
        "socket_connect_timeout=60",
        "timeout=60",
        "retry_on_timeout=true",
        "retry_on_error=x",
        "health_check_interval=1",
        "decode_responses=true",
        "protocol=3",
    ],
)
def test_our_own_options_win(option: str) -> None:
    """An option that would undo our time-outs or the bytes that we expect changes nothing."""
    name, pools = option.partition("=")[0], [RedisStore(f"redis://h?{q}")._client.connection_pool for q in ("", option)]
    usual, given = [pool.connection_kwargs.get(name, pool.timeout) for pool in pools]

    assert usual == given


@pytest.mark.parametrize("query", ["S3CR3T=1", "ssl_ca_certs=/ca.pem", "max_connections=many", "connection_class=x"])
def test_refused_options(query: str) -> None:
    """An option that redis-py does not know is refused at the start, and not repeated."""
    with pytest.raises(SettingsError) as refused:
        RedisStore(f"redis://:S3CR3T@h/0?{query}")
    assert ("FOTOWEB_CACHE" in str(refused.value), "S3CR3T" in str(refused.value)) == (True, False)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:S3/CR3T@h",
        "redis://h:S3CR3T",
        "redis://:a#S3CR3T@h",
        "rediss://h?ssl_cert_reqs=S3CR3T",
        "http://S3CR3T",
    ],
)
def test_unreadable(url: str) -> None:
    """An address that can't be read is refused when the store is made, and none of it is told."""
    with pytest.raises(SettingsError) as refused:
        RedisStore(url)
    assert ("FOTOWEB_CACHE" in str(refused.value), "CR3T" in str(refused.value)) == (True, False)


def test_nothing_is_opened() -> None:
    """Making a store asks nobody: Redis may be down at start."""
    RedisStore("redis://nowhere.invalid:1/0").close()


def test_old_redis_py() -> None:
    """A redis-py that can mix up answers is refused."""
    program = """
import redis
redis.__version__ = "7.4.1"
from fotoweb_middleware.errors import SettingsError
try:
    import fotoweb_middleware.stores.redis
except SettingsError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "redis-py 7.4.1 is too old" in said


def test_no_secret_in_repr() -> None:
    """Neither user nor password stands in the repr of a store."""
    assert "S3CR3T" not in repr(RedisStore("redis://S3CR3T:S3CR3T@127.0.0.1:1/0"))


def test_no_secret_in_frames() -> None:
    """Where an address is refused, no frame of ours holds a part of it."""
    held = [["rediss://:S3CR3T@h?nobody_knows=1"]]
    with pytest.raises(SettingsError) as refused:
        RedisStore(held[0].pop())
    frames = [entry.frame.f_locals for entry in refused.traceback[1:]]
    assert (len(frames), "S3CR3T" in repr(frames)) == (1, False)
