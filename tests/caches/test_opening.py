"""From ``FOTOWEB_CACHE`` to a cache."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.opening import open_async_cache, open_cache, tell_that_local_is_memory
from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.testing import FakeClock
from tests.settings.samples import settings


@pytest.fixture(autouse=True)
def untold() -> Iterator[None]:
    """Let the warning that comes once in a process come again."""
    tell_that_local_is_memory.cache_clear()
    yield
    tell_that_local_is_memory.cache_clear()


@pytest.mark.parametrize("address", ["memory://", "local://"])
def test_memory(address: str) -> None:
    """``memory://`` and, in this release, ``local://`` are this process's memory."""
    assert isinstance(open_cache(settings(cache=address)), MemoryCache)


def test_memory_awaitable() -> None:
    """The ASGI door gets the awaitable face of the same."""
    assert isinstance(open_async_cache(settings(cache="memory://")), InlineFace)


def test_size() -> None:
    """The cache holds as many sessions as ``FOTOWEB_CACHE_SIZE`` says."""
    cache = open_cache(settings(cache="memory://", cache_size=1))
    for key in ("a", "b"):
        cache.save(key, b"v", version=1, ttl_seconds=60, create=True)
    assert cache.load("a") is None


def test_clock() -> None:
    """The cache runs on the clock it is given."""
    clock = FakeClock()
    cache = open_cache(settings(cache="memory://"), monotonic=clock)
    cache.bury("k", ttl_seconds=60)
    clock.advance(61)
    assert cache.load("k") is None


def test_local_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    """``local://`` says once in a process that it is not shared yet."""
    open_cache(settings(cache="local://"))
    open_async_cache(settings(cache="local://"))
    told = [record for record in caplog.records if record.name == "fotoweb_middleware.caches"]
    assert [record.levelno for record in told] == [logging.WARNING]


def test_memory_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """``memory://`` is what it says and needs no warning."""
    open_cache(settings(cache="memory://"))
    assert not [record for record in caplog.records if record.name == "fotoweb_middleware.caches"]


def test_not_yet() -> None:
    """A cache that this release can't open is refused at start-up, without its password."""
    with pytest.raises(SettingsError, match="FOTOWEB_CACHE holds redis://") as caught:
        open_cache(settings(cache="redis://:S3CR3T@cache.example/0"))
    assert "S3CR3T" not in str(caught.value)
