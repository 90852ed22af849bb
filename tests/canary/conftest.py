"""The tour is made once for each middleware and store; the tests then look for secrets in what it left behind."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.behaviour.adapters import Reply
from tests.canary.listening import Told, everything_logged, everything_measured
from tests.canary.objects import sayings
from tests.canary.planted import Planted
from tests.canary.scene import opened
from tests.canary.tour import go_everywhere, leave
from tests.providers.redis_server import RedisServer, admin, find_redis_server

Mode = Literal["sealed", "reference"]

RUNS = (
    ("uvicorn", "sealed", "sqlite"),
    ("wsgi", "reference", "sqlite"),
    ("asgi", "reference", "redis"),
    ("wsgi", "sealed", "redis"),
)


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What a tour left behind, and the secrets that there were.

    Attributes:
        planted: The secrets.
        lines: What was logged.
        loggers: Who logged.
        replies: Every answer to the browser.
        errors: Every error, with its words and its frames.
        sayings: What every object says of itself, under its type and its number.
        stored: What the store kept: the bytes of its files, or of its keys and values, by where they stand.
        events: The repr of every event.
        measured: What OpenTelemetry would export: every span, and the metrics.
    """

    planted: Planted
    lines: list[str]
    loggers: set[str]
    replies: list[Reply]
    errors: list[Told]
    sayings: dict[tuple[str, int], str]
    stored: dict[str, bytes]
    events: list[str]
    measured: list[str]


@pytest.fixture(scope="module", params=RUNS, ids="-".join)
def left_behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LeftBehind:
    """Return what a tour left behind."""
    adapter, mode, kind = request.param
    folder = tmp_path_factory.mktemp("canary")
    if kind == "sqlite":
        return tour_over_sqlite(adapter, mode, folder)
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server here: install Debian's redis-server, or run `make redis`")
    with RedisServer(folder) as server:
        return tour_over_redis(adapter, mode, server, folder)


def tour_over_sqlite(adapter: str, mode: Mode, folder: Path) -> LeftBehind:
    """Log in, refresh, fail and log out with a store in a file, which another process locks for a while."""
    path = folder / "cache.db"

    @contextlib.contextmanager
    def locked() -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")

    address = f"sqlite:///{path}"
    with everything_logged() as log, everything_measured() as exported, opened(adapter, mode, address) as scene:
        visitor = go_everywhere(scene, locked)
        stored = {file.name: file.read_bytes() for file in folder.iterdir()}
        said = {(kind, number): each for number, (kind, each) in enumerate(sayings(scene.middleware))}
        leave(visitor)
        measured = exported()
    errors, events = scene.errors + log.errors, [repr(event) for event in scene.events]
    return LeftBehind(scene.planted, log.lines, log.loggers, scene.replies, errors, said, stored, events, measured)


def tour_over_redis(adapter: str, mode: Mode, server: RedisServer, folder: Path) -> LeftBehind:
    """Log in, refresh, fail and log out with a Redis, which is away for a while."""

    @contextlib.contextmanager
    def away() -> Iterator[None]:
        server.stop()
        yield
        server.start()  # Under its old address; the middleware finds it by itself.

    with everything_logged() as log, everything_measured() as exported, opened(adapter, mode, server.url) as scene:
        visitor = go_everywhere(scene, away)
        stored = content_of(server, folder)
        said = {(kind, number): each for number, (kind, each) in enumerate(sayings(scene.middleware))}
        leave(visitor)
        measured = exported()
    errors, events = scene.errors + log.errors, [repr(event) for event in scene.events]
    return LeftBehind(scene.planted, log.lines, log.loggers, scene.replies, errors, said, stored, events, measured)


def content_of(server: RedisServer, folder: Path) -> dict[str, bytes]:
    """Return every key and value of a Redis, and its dump on the disk, where nothing is compressed."""
    with admin(server.url) as redis:
        redis.config_set("rdbcompression", "no")
        redis.save()
        keys = [bytes(key) for key in redis.scan_iter()]
        stored = {repr(key): key + bytes(redis.dump(key) or b"") for key in keys}
    return {**stored, "dump.rdb": (folder / "dump.rdb").read_bytes()}
