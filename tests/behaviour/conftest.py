"""Every behaviour is tested through both middlewares, in both cookie modes, and over every store.

What runs where (``pytest_generate_tests`` below deals it out):

    tests                                 memory              sqlite, local, redis
    of the modules in OVER_ALL_STORES     4 combinations      2 combinations each
    all others                            4 combinations      1 combination of one of them
    test_shared_store.py                  none                both middlewares and one of each, both modes
    test_websocket.py, test_trio.py       one middleware      none
    of the modules in ONCE_EACH           each middleware     none
                                          in one mode

The 4 combinations are middleware (asgi, wsgi) times cookie mode (sealed, reference). Everything times everything would
take several times as long, to learn nothing of the stores: most tests hardly touch them.

Stores are opened by their address, as ``FOTOWEB_CACHE`` does it. All follow the test's ``FakeClock`` but Redis, which
counts by its own clock: there a test that turns the clock sees what the middleware itself makes of the time, and that
entries die is tested in ``tests/stores``. One Redis serves all tests of a worker process and is emptied before each.
"""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
import zlib
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest

from fotoweb_middleware.stores import sqlite
from fotoweb_middleware.stores.redis import RedisStore
from tests.behaviour.kit import Opening, Visited, Visitor, opened_portal
from tests.providers.redis_server import RedisServer, admin, find_redis_server

CHOICES = ("adapter", "mode", "store_address")
COMBINATIONS = tuple(itertools.product(("asgi", "wsgi"), ("sealed", "reference")))
SHARED_STORES = ("sqlite", "local", "redis")
PATIENT_SECONDS = 20.0
OVER_ALL_STORES = {"test_cookies", "test_keys", "test_lifetimes", "test_logout", "test_refresh", "test_status"}
"""Modules whose tests are about what a store holds, or may lose."""
ONCE_EACH = {"test_setup_warnings"}
"""Modules whose tests run through each middleware once, as neither mode nor store matters much."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Deal out middlewares, modes and stores to a test, as far as it asks for them."""
    asked = [name for name in CHOICES if name in metafunc.fixturenames]
    chosen = [[dict(zip(CHOICES, run, strict=True))[name] for name in asked] for run in runs_of(metafunc)]
    distinct = [list(values) for values in dict.fromkeys(map(tuple, chosen))]
    if asked:
        marks = [[pytest.mark.redis] if "redis" in values else [] for values in distinct]
        runs = [pytest.param(*values, marks=mark) for values, mark in zip(distinct, marks, strict=True)]
        metafunc.parametrize(asked, runs, indirect=True)


def runs_of(metafunc: pytest.Metafunc) -> Iterator[tuple[str, str, str]]:
    """Return in which middleware, mode and store a test runs; for one test always the same."""
    if metafunc.module.__name__.rpartition(".")[2] in ONCE_EACH:
        yield from (("asgi", "sealed", "memory"), ("wsgi", "reference", "memory"))
        return
    for adapter, mode in COMBINATIONS:
        yield adapter, mode, "memory"
    first = zlib.crc32(metafunc.function.__name__.encode())
    if metafunc.module.__name__.rpartition(".")[2] not in OVER_ALL_STORES:
        yield (*COMBINATIONS[first % 4], SHARED_STORES[first % 3])
        return
    for number, store in enumerate(SHARED_STORES, first):
        yield (*COMBINATIONS[number % 4], store)
        yield (*COMBINATIONS[3 - number % 4], store)  # The other middleware in the other mode.


@pytest.fixture(scope="session")
def portal() -> Iterator[anyio.from_thread.BlockingPortal]:
    """Run one asyncio loop for the whole session."""
    with opened_portal("asyncio") as portal:
        yield portal


@pytest.fixture(scope="session")
def redis_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run one Redis for the whole session of this worker process."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def adapter(request: pytest.FixtureRequest) -> str:
    """Name the middleware."""
    name: str = request.param
    return name


@pytest.fixture
def mode(request: pytest.FixtureRequest) -> str:
    """Name the cookie mode."""
    name: str = request.param
    return name


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Return an empty folder, in memory where the system has such a place: a disk is slow when others use it too."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="fotoweb-tests-", dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def empty_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Return a function that makes an empty store of a kind and returns what ``FOTOWEB_CACHE`` has to hold."""

    def make(kind: str) -> str:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # Where local:// puts its file.
        if kind == "redis":
            server: RedisServer = request.getfixturevalue("redis_of_all")
            with admin(server.url) as client:
                client.flushall()
            # A machine that stands still must not look like a Redis that hangs: nothing here is about that.
            longer = partialmethod(RedisStore.__init__, timeout_seconds=PATIENT_SECONDS)
            monkeypatch.setattr(RedisStore, "__init__", longer)
            return server.url
        monkeypatch.setattr(sqlite, "BUSY_SECONDS", PATIENT_SECONDS)  # Nor like a file that somebody keeps locked.
        return {"memory": "memory://", "local": "local://", "sqlite": f"sqlite:///{tmp_path}/sessions.db"}[kind]

    return make


@pytest.fixture
def store_address(request: pytest.FixtureRequest, empty_store: Callable[[str], str]) -> str:
    """Return what ``FOTOWEB_CACHE`` holds."""
    return empty_store(request.param)


@pytest.fixture
def opening(adapter: str, mode: str, store_address: str, portal: anyio.from_thread.BlockingPortal) -> Opening:
    """Return the choice that the parameters make."""
    return Opening(adapter, portal, mode, address=store_address)


@pytest.fixture
def open_site(opening: Opening) -> Iterator[Callable[..., Visited]]:
    """Return a function that opens a site: ``open_site(session_idle=60)`` or ``open_site(_mount="/sub")``."""
    opened: list[Visited] = []

    def open_with(**choices: Any) -> Visited:
        own = {name[1:]: choices.pop(name) for name in list(choices) if name.startswith("_")}
        opened.append(dataclasses.replace(opening, changes=choices, **own).open())
        return opened[-1]

    yield open_with
    for site in opened:
        site.close()


@pytest.fixture
def site(open_site: Callable[..., Visited]) -> Visited:
    """Return a site with the default settings."""
    return open_site()


@pytest.fixture
def visitor(site: Visited) -> Visitor:
    """Return somebody who never was there."""
    return site.visitor()


@pytest.fixture
def member(visitor: Visitor) -> Visitor:
    """Return somebody who is logged in."""
    visitor.log_in()
    return visitor
