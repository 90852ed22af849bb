"""FOTOWEB_CACHE: which addresses are taken, and how they are shown."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fotoweb_middleware.settings.cache_address import mask_cache_address
from tests.settings.samples import refusal, settings

NO_CACHES = [
    "", "local", "local:/", "local://x", "memory://x", "Redis://cache.example", "sqlite://sessions.db", "sqlite://",
    "sqlite:///", "sqlite:////var/lib/", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "sqlite:///a.db#x",
    "sqlite:///a b.db", "sqlite:///a\x00b.db", "planted:/pl@nted://x", "redis://", "redis:///0",
    "redis://cache.example/x", "redis://cache.example:99999", "redis://cache.example/0/1", "redis://cache.example/0#x",
    "redis://:planted/pass@cache.example/0", "redis://:planted pass@cache.example/0", "redsi://:planted@cache.example",
    "redis://a,b/0", "redis+sentinel://a", "redis+sentinel://a/", "redis+sentinel://a/s/x", "redis+sentinel://a/s/0/1",
    "redis+sentinel:///s", "redis+sentinel://a,/s", "redis+sentinel://:pl/anted@a/s/t/0", "redis+cluster://a/1",
    "redis+cluster://a/s", "redis+cluster://", "redis+cluster://a,b:x", "redis+sentinel://planted@a,planted@b/s",
    ":planted@cache.example", "planted", "memcached://cache.example", "unix:///run/redis.sock", None, 5,
]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "local://",
        "memory://",
        "sqlite:///sessions.db",
        "sqlite:////sessions.db",
        "redis://cache.example",
        "redis://cache.example:6379/0",
        "redis://:pa%2Fss@cache.example:6379/1",
        "rediss://user:secret@cache.example/0?socket_timeout=1",
        "redis://[::1]:6379",
        "redis://redis_1:6379",
        "redis+sentinel://s1,s2:26380,[::1]/mymaster",
        "rediss+sentinel://user:pa%2Fss@s1:26379/my%20master/3?sentinel_password=x",
        "redis+cluster://n1,n2:6380",
        "rediss+cluster://:secret@n1/0?ssl_certfile=/c.pem",
    ],
)
def test_accepted(address: str) -> None:
    """Every kind of cache of the reference page is taken, letter for letter."""
    assert settings(cache=address).cache == address


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is told with the settings: FastAPI opens the cache too late to end the start."""
    assert f"there is no folder '{tmp_path}/missing'" in refusal(cache=f"sqlite:///{tmp_path}/missing/sessions.db")


def test_missing_redis_py(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is redis-py, with the command that brings it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    assert "pip install 'fotoweb-middleware[redis]'" in refusal(cache="redis://cache.example")


@pytest.mark.parametrize("address", NO_CACHES)
def test_refused_without_showing_a_password(address: object) -> None:
    """Anything else is refused; of a refused address only the scheme is shown."""
    message = refusal(cache=address)

    assert "FOTOWEB_CACHE" in message
    assert "planted" not in message


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("local://", "local://"),
        ("sqlite:////var/a.db", "sqlite:////var/a.db"),
        ("redis://cache.example:6379/0", "redis://cache.example:6379/0"),
        ("redis://:planted@cache.example/0", "redis://:***@cache.example/0"),
        ("redis://user:planted@cache.example/0", "redis://user:***@cache.example/0"),
        ("redis://planted@cache.example/0", "redis://***@cache.example/0"),
        ("redis://:pl@nted@cache.example/0", "redis://:***@cache.example/0"),
        ("rediss://cache.example/0?password=planted", "rediss://cache.example/0?***"),
        ("redis+sentinel://u:planted@a,b:1/s/0?sentinel_password=planted", "redis+sentinel://u:***@a,b:1/s/0?***"),
        ("rediss+cluster://:planted@a,b", "rediss+cluster://:***@a,b"),
    ],
)
def test_masked(address: str, shown: str) -> None:
    """An accepted address is shown without its password and options."""
    assert mask_cache_address(address) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("cache.db", "'cache.db'"),
        ("memory", "'memory'"),
        ("redsi://x", "'redsi://...'"),
        ("redis+sentinal://x/y", "'redis+sentinal://...'"),
    ],
)
def test_common_mistakes_are_shown(address: str, shown: str) -> None:
    """A forgotten or misspelled scheme is shown, so that the mistake is seen."""
    assert f"holds {shown}." in refusal(cache=address)
