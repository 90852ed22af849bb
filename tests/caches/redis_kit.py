"""What the tests of the Redis cache share: its faces, a Redis whose clock can be turned, servers that talk nonsense."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from anyio.from_thread import start_blocking_portal

from fotoweb_middleware.caches.protocol import Cache
from fotoweb_middleware.caches.redis import AsyncRedisCache, RedisCache
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing.cache_contract import BlockingFace
from tests.providers.redis_server import RedisServer

__all__ = [
    "FACES",
    "KEYS",
    "NAMESPACE",
    "OWN_FACES",
    "PATIENT_SECONDS",
    "SLOWNESS_SECONDS",
    "TIMEOUT_SECONDS",
    "admin",
    "failure",
    "fill",
    "free_port",
    "frozen",
    "kill",
    "open_face",
    "pid_of",
    "seconds_of",
    "speaking",
    "turn_clock",
]

FACES = ("blocking", "asyncio", "trio")
OWN_FACES = ("blocking", "asyncio")
"""Those that speak with Redis themselves. Trio's is the blocking one in threads: its faults are the same."""

NAMESPACE = "test"
KEYS = 50
"""How many keys ``fill`` writes."""

PATIENT_SECONDS = 20.0
"""The time-out where none is expected: a busy machine must not look like a Redis that hangs."""

TIMEOUT_SECONDS = 0.4
"""The time-out where one is expected: shorter than the default, so that these tests are quick."""

SLOWNESS_SECONDS = 4.0
"""What a busy machine may add. Less than one step of redis-py's own time-outs, 5 s."""

TURN_CLOCK = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end
"""


@contextlib.contextmanager
def open_face(face: str, url: str, **options: Any) -> Iterator[Cache]:
    """Yield a patient cache by one of its faces; the awaitable ones are called from this thread."""
    options = {"namespace": NAMESPACE, "timeout_seconds": PATIENT_SECONDS, **options}
    if face == "blocking":
        cache = RedisCache(url, **options)
        try:
            yield cache
        finally:
            cache.close()
        return
    with start_blocking_portal(face) as portal:
        awaitable = BlockingFace(AsyncRedisCache(url, **options), portal)
        try:
            yield awaitable
        finally:
            awaitable.close()


@contextlib.contextmanager
def admin(url: str) -> Iterator[Any]:
    """Yield a plain client of redis-py, to look behind the cache."""
    with contextlib.closing(redis.Redis.from_url(url, protocol=2)) as client:
        yield client


def turn_clock(url: str) -> Callable[[float], None]:
    """Return what lets so many seconds pass for every key: its time to live is cut by as much."""

    def advance(seconds: float) -> None:
        with admin(url) as client:
            client.eval(TURN_CLOCK, 0, int(seconds * 1000))

    return advance


def pid_of(server: RedisServer) -> int:
    """Return the process id of a running Redis."""
    with admin(server.url) as client:
        return int(client.info("server")["process_id"])


def kill(server: RedisServer) -> None:
    """End a Redis as a crash does."""
    os.kill(pid_of(server), signal.SIGKILL)
    server.stop()


@contextlib.contextmanager
def frozen(server: RedisServer) -> Iterator[None]:
    """Stop a Redis in its tracks: it takes connections and answers nothing."""
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long ``work`` took."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


@contextlib.contextmanager
def speaking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Yield the address of a server that does ``talk`` with everyone who connects."""
    over = threading.Event()
    connections: list[socket.socket] = []

    def converse(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            talk(connection)
            over.wait(20)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = listener.accept()[0]
                connections.append(connection)
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        try:
            yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            server.join(5)
            for connection in connections:
                connection.close()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def failure(work: Callable[[], object]) -> str:
    """Return the words of the failure that ``work`` must end in."""
    with pytest.raises(CacheUnavailable) as failed:
        work()
    return str(failed.value)


def fill(url: str) -> None:
    """Save a value under each of some keys: v0 under k0 and so on."""
    with open_face("blocking", url) as cache:
        for number in range(KEYS):
            cache.save(f"k{number}", b"v%d" % number, version=1, ttl_seconds=600, create=True)
