"""Every behaviour is tested through both doors, in both cookie modes, over every cache.

What runs where (``pytest_generate_tests`` below deals it out):

    tests                                                     memory          each of sqlite, local, redis
    of the modules in OVER_ALL_CACHES                         4 combinations  4 combinations
    all others                                                4 combinations  1 combination, another for each cache
    with a cache of their own (fixture ``cache``)             that one, in 4 combinations
    test_shared_cache.py                                      none            both doors and one of each, both modes
    test_websocket.py, test_trio.py                           one door        none

The 4 combinations are door (asgi, wsgi) times cookie mode (sealed, reference). Everything times everything would take
twice as long, to learn nothing of the caches: the other tests hardly touch them.

Caches are opened by their address, as ``FOTOWEB_CACHE`` does it. All follow the test's ``FakeClock`` but Redis, which
counts by its own clock: there a test that turns the clock sees what the middleware itself makes of the time, and that
entries die is tested in ``tests/caches``. One Redis serves all tests of a worker process and is emptied before each.
"""

from __future__ import annotations

import dataclasses
import itertools
import zlib
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest

from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from tests.behaviour.kit import Opening, Visited, Visitor, opened_portal
from tests.caches.redis_kit import PATIENT_SECONDS, admin
from tests.caches.sqlite_kit import let_all_be_patient
from tests.providers.redis_server import RedisServer, find_redis_server

CHOICES = ("door", "mode", "cache_address")
COMBINATIONS = tuple(itertools.product(("asgi", "wsgi"), ("sealed", "reference")))
SHARED_CACHES = ("sqlite", "local", "redis")
OVER_ALL_CACHES = {"test_cookies", "test_keys", "test_lifetimes", "test_logout", "test_refresh", "test_status"}
"""Modules whose tests are about what a cache holds, or may lose."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Deal out doors, modes and caches to a test, as far as it asks for them."""
    asked = [name for name in CHOICES if name in metafunc.fixturenames]
    chosen = [[dict(zip(CHOICES, run, strict=True))[name] for name in asked] for run in runs_of(metafunc)]
    distinct = [list(values) for values in dict.fromkeys(map(tuple, chosen))]
    if asked:
        marks = [[pytest.mark.redis] if "redis" in values else [] for values in distinct]
        runs = [pytest.param(*values, marks=mark) for values, mark in zip(distinct, marks, strict=True)]
        metafunc.parametrize(asked, runs, indirect=True)


def runs_of(metafunc: pytest.Metafunc) -> Iterator[tuple[str, str, str]]:
    """Return in which door, mode and cache a test runs; for one test always the same."""
    for door, mode in COMBINATIONS:
        yield door, mode, "memory"
    if "cache" in metafunc.fixturenames:
        return
    if metafunc.module.__name__.rpartition(".")[2] in OVER_ALL_CACHES:
        yield from ((door, mode, cache) for cache in SHARED_CACHES for door, mode in COMBINATIONS)
        return
    first = zlib.crc32(metafunc.function.__name__.encode())
    for number, cache in enumerate(SHARED_CACHES, first):
        yield (*COMBINATIONS[number % len(COMBINATIONS)], cache)


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
def door(request: pytest.FixtureRequest) -> str:
    """Name the door."""
    name: str = request.param
    return name


@pytest.fixture
def mode(request: pytest.FixtureRequest) -> str:
    """Name the cookie mode."""
    name: str = request.param
    return name


@pytest.fixture
def empty_cache(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Return a function that makes an empty cache of a kind and returns what ``FOTOWEB_CACHE`` has to hold."""

    def make(kind: str) -> str:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # Where local:// puts its file.
        if kind == "redis":
            server: RedisServer = request.getfixturevalue("redis_of_all")
            with admin(server.url) as client:
                client.flushall()
            # A machine that stands still must not look like a Redis that hangs: nothing here is about that.
            for face in (RedisCache, AsyncRedisCache):
                monkeypatch.setattr(face, "__init__", partialmethod(face.__init__, timeout_seconds=PATIENT_SECONDS))
            return server.url
        let_all_be_patient(monkeypatch)  # Nor like a file that somebody keeps locked.
        return {"memory": "memory://", "local": "local://", "sqlite": f"sqlite:///{tmp_path}/sessions.db"}[kind]

    return make


@pytest.fixture
def cache_address(request: pytest.FixtureRequest, empty_cache: Callable[[str], str]) -> str:
    """Return what ``FOTOWEB_CACHE`` holds."""
    return empty_cache(request.param)


@pytest.fixture
def opening(door: str, mode: str, cache_address: str, portal: anyio.from_thread.BlockingPortal) -> Opening:
    """Return the choice that the parameters make."""
    return Opening(door, portal, mode, address=cache_address)


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
