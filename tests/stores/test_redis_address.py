"""Which Redis addresses are taken, and with which options."""

from __future__ import annotations

import ssl
import subprocess
import sys
from typing import Any

import pytest

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.stores.redis import RedisStore
from fotoweb_middleware.stores.redis_clients import read_address


def read(address: str) -> dict[str, Any]:
    """Read an address that must be accepted."""
    options = read_address(address)
    assert options is not None
    return options.options


def connection(address: str) -> Any:
    """Return a connection, not yet opened, as a store for this address makes it."""
    return RedisStore(address)._get_client().connection_pool.make_connection()


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


def test_sentinels() -> None:
    """Of an address with sentinels, the user is the primary's; options with ``sentinel_`` are the sentinels' alone."""
    found = read_address("rediss+sentinel://u:p%2Fw@a,b:1/my%20set/4?ssl_ca_certs=/ca.pem&sentinel_password=s")
    assert found is not None

    assert (found.split.nodes(), found.split.service) == ([("a", 26379), ("b", 1)], "my set")
    assert (found.options["username"], found.options["password"], found.options["db"]) == ("u", "p/w", 4)
    assert (found.sentinel_options["password"], "username" in found.sentinel_options) == ("s", False)
    assert found.sentinel_options["ssl_ca_certs"] == found.options["ssl_ca_certs"] == "/ca.pem"
    assert not {"host", "port", "sentinel_password"} & found.options.keys()


def test_sentinels_share_the_time() -> None:
    """However many sentinels are silent, they have half of the time together."""
    client = RedisStore("redis+sentinel://a,b,c,d,e/s", timeout_seconds=1)._get_client()
    made = [each.connection_pool.make_connection() for each in client.connection_pool.sentinel_manager.sentinels]

    assert [each.socket_connect_timeout for each in made] == [0.1] * 5


def test_cluster() -> None:
    """Of an address of a cluster, all nodes are known, and there is no database."""
    found = read_address("redis+cluster://:p@a,[::1]:7/0?max_connections=5")
    assert found is not None

    assert found.split.nodes() == [("a", 6379), ("::1", 7)]
    assert found.options == {"password": "p", "max_connections": 5}


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
    name, pools = (
        option.partition("=")[0],
        [RedisStore(f"redis://h?{q}")._get_client().connection_pool for q in ("", option)],
    )
    usual, given = [pool.connection_kwargs.get(name, pool.timeout) for pool in pools]

    assert usual == given


@pytest.mark.parametrize("address", ["redis+sentinel://a/s?sentinel_S3CR3T=1", "redis+cluster://a?ssl_min_version=x"])
def test_refused_options_of_roles(address: str) -> None:
    """So is one that the sentinels' connections don't know, or redis-py's client of clusters would leave out."""
    with pytest.raises(SettingsError) as refused:
        RedisStore(address)
    assert "S3CR3T" not in str(refused.value)


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
    for address in (
        "redis://nowhere.invalid:1/0",
        "redis+sentinel://nowhere.invalid/s",
        "redis+cluster://nowhere.invalid",
    ):
        RedisStore(address).close()


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
