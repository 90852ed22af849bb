"""Which Redis addresses are taken, and with which options."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from fotoweb_middleware.caches.redis_address import read_address
from fotoweb_middleware.errors import SettingsError


def test_all_parts() -> None:
    """User, password, host, port and database are read, percent-decoded."""
    assert read_address("redis://us%40er:p%2Fw@cache.example:6380/4?client_name=app&max_connections=5") == {
        "username": "us@er",
        "password": "p/w",
        "host": "cache.example",
        "port": 6380,
        "db": 4,
        "client_name": "app",
        "max_connections": 5,
    }


def test_tls_checks_names() -> None:
    """With TLS the certificate and its host name are checked, whatever redis-py's default is."""
    options = read_address("rediss://cache.example")
    assert (options["ssl_cert_reqs"], options["ssl_check_hostname"]) == ("required", True)


def test_tls_options() -> None:
    """Options of TLS are handed on."""
    options = read_address("rediss://h?ssl_ca_certs=/ca.pem&ssl_check_hostname=false&ssl_certfile=c&ssl_keyfile=k")
    assert (options["ssl_ca_certs"], options["ssl_check_hostname"]) == ("/ca.pem", False)


def test_tls_unchecked() -> None:
    """Who asks for no check of the certificate gets none of its name either (Python refuses the other)."""
    assert not read_address("rediss://h?ssl_cert_reqs=none")["ssl_check_hostname"]


@pytest.mark.parametrize(
    "query",
    [
        "socket_timeout=60",
        "socket_connect_timeout=60",
        "timeout=60",
        "retry_on_timeout=true",
        "health_check_interval=1",
        "decode_responses=true",
        "protocol=3",
        "S3CR3T=1",
        "ssl_ca_certs=/ca.pem",
        "max_connections=many",
    ],
)
def test_refused_options(query: str) -> None:
    """Options that would undo our time-outs, or that nobody knows, are refused by name."""
    with pytest.raises(SettingsError) as refused:
        RedisCache(f"redis://:S3CR3T@h/0?{query}", namespace="n")
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
    """An address that can't be read is refused when the cache is made, and none of it is told."""
    with pytest.raises(SettingsError) as refused:
        AsyncRedisCache(url, namespace="n")
    assert ("FOTOWEB_CACHE" in str(refused.value), "CR3T" in str(refused.value)) == (True, False)


def test_nothing_is_opened() -> None:
    """Making a cache asks nobody: Redis may be down at start."""
    RedisCache("redis://nowhere.invalid:1/0", namespace="n").close()


def test_missing_extra() -> None:
    """Without redis-py the message says what to install."""
    program = """
import sys
sys.modules["redis"] = None
from fotoweb_middleware.errors import SettingsError
try:
    import fotoweb_middleware.caches.redis
except SettingsError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "pip install 'fotoweb-middleware[redis]'" in said


def test_old_redis_py() -> None:
    """A redis-py that can mix up answers is refused."""
    program = """
import redis
redis.__version__ = "7.4.1"
from fotoweb_middleware.errors import SettingsError
try:
    import fotoweb_middleware.caches.redis
except SettingsError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "redis-py 7.4.1 is too old" in said


def test_no_secret_in_repr() -> None:
    """The password stands in no repr of a cache."""
    url = "redis://:S3CR3T@127.0.0.1:1/0"
    cache = RedisCache(url, namespace="n")
    assert "S3CR3T" not in repr([cache, cache._health, cache.sweeper, AsyncRedisCache(url, namespace="n")])
