"""The contract suite for caches: what it needs, and the caches of this package on trial, as users put theirs.

The promises of every cache alone are tried beside its other tests, in ``tests/caches``. Here: ``local://`` as the
settings open it, what two processes share, and what an outage looks like, for every cache that can be shared.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from fotoweb_middleware import Settings
from fotoweb_middleware.caches.offloaded import OffloadedFace
from fotoweb_middleware.caches.opening import open_async_cache, open_cache
from fotoweb_middleware.caches.protocol import AsyncCache, Cache
from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.cache_contract import (
    BlockingFace,
    CacheContract,
    CacheTrial,
    OutageContract,
    SharedCacheContract,
)
from tests.behaviour.kit import SECRET_KEY
from tests.caches.redis_kit import admin, free_port, turn_clock
from tests.caches.sqlite_kit import PATIENT_SECONDS, patient
from tests.providers.redis_server import RedisServer, find_redis_server

FACES = ("blocking", "asyncio", "trio")
NEEDED_BY_OTHERS = ("playwright", "pytest", "redis", "rich", "trio", "typer")

Open = Callable[[], Cache]


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """Name the face."""
    name: str = request.param
    return name


@pytest.fixture
def portal(face: str) -> Iterator[BlockingPortal | None]:
    """Return the event loop of an awaitable face."""
    with contextlib.ExitStack() as running:
        yield None if face == "blocking" else running.enter_context(start_blocking_portal(face))


@pytest.fixture
def closing() -> Iterator[contextlib.ExitStack]:
    """Return what closes caches after the test."""
    with contextlib.ExitStack() as stack:
        yield stack


class Openings:
    """Opens caches by the face that a test runs with, and closes them after it."""

    def __init__(self, portal: BlockingPortal | None, closing: contextlib.ExitStack) -> None:
        self._portal = portal
        self._closing = closing

    def __call__(self, blocking: Callable[[], Cache], awaitable: Callable[[], AsyncCache]) -> Cache:
        """Open a cache."""
        cache = blocking() if self._portal is None else BlockingFace(awaitable(), self._portal)
        self._closing.callback(cache.close)
        return cache


@pytest.fixture
def opened(portal: BlockingPortal | None, closing: contextlib.ExitStack) -> Openings:
    """Return what opens caches."""
    return Openings(portal, closing)


class TestLocal(CacheContract, SharedCacheContract):
    """``local://``, as the settings open it in each of two processes."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Return the clock of both."""
        return FakeClock()

    @pytest.fixture
    def open_local(self, opened: Openings, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
        """Return what opens the cache as a process does."""
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        settings = Settings(
            url="https://fotoweb.test", client_id="app", client_secret="S3CR3T", secret_key=SECRET_KEY, cache="local://"
        )
        clocks = {"clock": clock, "monotonic": clock}

        def open_it() -> SqliteCache:
            cache = open_cache(settings, **clocks)
            assert isinstance(cache, SqliteCache)
            return patient(cache)

        def open_awaitable() -> AsyncCache:
            face = open_async_cache(settings, **clocks)
            assert isinstance(face, OffloadedFace)
            assert isinstance(face._cache, SqliteCache)
            patient(face._cache)
            face._patience_seconds = PATIENT_SECONDS
            return face

        return lambda: opened(open_it, open_awaitable)

    @pytest.fixture
    def trial(self, open_local: Open, clock: FakeClock) -> CacheTrial:
        """Return the cache in this process."""
        return CacheTrial(open_local(), clock.advance)

    @pytest.fixture
    def elsewhere(self, open_local: Open) -> Cache:
        """Return it in another process."""
        return open_local()


class TestSharedFile(SharedCacheContract):
    """A SQLite file."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Return the clock of both."""
        return FakeClock()

    @pytest.fixture
    def open_file(self, opened: Openings, clock: FakeClock, tmp_path: Path) -> Open:
        """Return what opens the cache as a process does."""

        def open_it() -> SqliteCache:
            return patient(SqliteCache(tmp_path / "sessions.db", clock=clock, monotonic=clock))

        return lambda: opened(open_it, lambda: OffloadedFace(open_it(), patience_seconds=PATIENT_SECONDS))

    @pytest.fixture
    def trial(self, open_file: Open, clock: FakeClock) -> CacheTrial:
        """Return the cache in this process."""
        return CacheTrial(open_file(), clock.advance)

    @pytest.fixture
    def elsewhere(self, open_file: Open) -> Cache:
        """Return it in another process."""
        return open_file()


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Redis for all tests of this module."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running.url


@pytest.mark.redis
class TestSharedRedis(SharedCacheContract):
    """A Redis."""

    @pytest.fixture
    def open_redis(self, opened: Openings, redis_url: str) -> Open:
        """Return what opens the cache as a process does."""
        with admin(redis_url) as client:
            client.flushall()
        options: dict[str, Any] = {"namespace": "test", "timeout_seconds": PATIENT_SECONDS}
        return lambda: opened(lambda: RedisCache(redis_url, **options), lambda: AsyncRedisCache(redis_url, **options))

    @pytest.fixture
    def trial(self, open_redis: Open, redis_url: str) -> CacheTrial:
        """Return the cache in this process."""
        return CacheTrial(open_redis(), turn_clock(redis_url))

    @pytest.fixture
    def elsewhere(self, open_redis: Open) -> Cache:
        """Return it in another process."""
        return open_redis()


class TestFileOutOfReach(OutageContract):
    """A SQLite file in a folder that is not there."""

    @pytest.fixture
    def out_of_reach(self, opened: Openings, tmp_path: Path) -> Cache:
        """Return the cache."""
        path = tmp_path / "missing" / "sessions.db"
        return opened(lambda: SqliteCache(path), lambda: OffloadedFace(SqliteCache(path)))


class TestRedisOutOfReach(OutageContract):
    """A Redis that is not there."""

    @pytest.fixture
    def out_of_reach(self, opened: Openings) -> Cache:
        """Return the cache."""
        url = f"redis://127.0.0.1:{free_port()}/0"
        return opened(lambda: RedisCache(url, namespace="test"), lambda: AsyncRedisCache(url, namespace="test"))


def test_needs_the_extra_testing_alone() -> None:
    """The suite can be imported without redis-py, without the command line's packages, and by no pytest at all."""
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in NEEDED_BY_OTHERS)
    code = f"import sys; {blocked}import fotoweb_middleware.testing.cache_contract"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=50)

    assert (ended.returncode, ended.stderr) == (0, "")
