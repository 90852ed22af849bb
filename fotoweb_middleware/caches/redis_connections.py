"""redis-py's clients as we want them: every wait bounded, no retries, nothing shared over a fork.

Three of redis-py's habits are turned off here:

- RESP 3, its default since 8.0: with it redis-py no longer checks that a connection from the pool has no surplus
  answer waiting, which would then be read as the answer to the next question.
- Retries (10 by default, with pauses): the caller would rather know at once.
- Connections without a limit: a wait for one of a few is cheaper for Redis.
"""

from __future__ import annotations

# Every look-up of a host needs it and imports it at its first. A child that is forked in the middle of an import finds
# the module locked for ever.
import encodings.idna  # noqa: F401
import ipaddress
import math
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from fotoweb_middleware.caches.redis_address import is_tls, read_address
from fotoweb_middleware.caches.redis_patience import AT_MOST_TIMES, within

__all__ = ["Epoch", "open_asyncio_client", "open_blocking_client"]


def open_blocking_client(url: str, *, step_seconds: float) -> redis.Redis:
    """Return a client for threads. It connects when it is first used.

    Args:
        url: A ``redis://`` or ``rediss://`` address.
        step_seconds: Most time for each of: finding the host's address, connecting, greeting, one answer.

    Raises:
        SettingsError: The address can't be read.
    """
    make_pool: Callable[..., redis.BlockingConnectionPool] = redis.BlockingConnectionPool
    pool = make_pool(
        connection_class=BoundedTlsConnection if is_tls(url) else BoundedConnection,
        timeout=step_seconds,
        retry=Retry(NoBackoff(), 0),
        **common_options(url, step_seconds),
    )
    return redis.Redis(connection_pool=pool)


class Epoch:
    """Which connections are still to be used: those that were made since it last began.

    To have redis-py close the idle ones could hit one that another task has just taken up.
    """

    def __init__(self) -> None:
        self.number = 0

    def begin(self) -> None:
        """Have every connection made anew before its next use."""
        self.number += 1


def open_asyncio_client(url: str, *, step_seconds: float, epoch: Epoch) -> redis.asyncio.Redis:
    """Return a client for the running event loop of asyncio; see ``open_blocking_client``."""
    pool = redis.asyncio.BlockingConnectionPool(
        connection_class=PatientTlsConnection if is_tls(url) else PatientConnection,
        timeout=step_seconds,
        retry=AsyncRetry(NoBackoff(), 0),
        step_seconds=step_seconds,
        epoch=epoch,
        **common_options(url, step_seconds)
        | {"socket_timeout": None, "socket_connect_timeout": AT_MOST_TIMES * step_seconds},
    )
    return redis.asyncio.Redis(connection_pool=pool)


def common_options(url: str, step_seconds: float) -> dict[str, Any]:
    """Return the options that both clients have."""
    return {
        **read_address(url),
        "socket_timeout": step_seconds,
        "socket_connect_timeout": step_seconds,
        "socket_keepalive": True,
        "socket_keepalive_options": keepalive_options(),
        "decode_responses": False,
        "protocol": 2,
    }


def keepalive_options() -> dict[int, int]:
    """Return what makes the system notice within 45 s that an idle connection was cut without a word."""
    wanted = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}


class BoundedConnect:
    """For redis-py's blocking connections: bounds what their own time-outs leave open, name look-up and greeting."""

    host: Any
    port: Any
    socket_connect_timeout: Any
    _greet_until = math.inf

    def connect(self) -> None:
        """Connect, where it is not connected."""
        if getattr(self, "_sock", None) is None:
            look_up(self.host, self.port, timeout_seconds=self.socket_connect_timeout)
            self._greet_until = time.monotonic() + self.socket_connect_timeout
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._greet_until = math.inf

    def send_command(self, *words: Any, **options: Any) -> None:
        """Send a command; one of the greeting (password, database, name) only while there is time."""
        if time.monotonic() > self._greet_until:
            raise redis.TimeoutError("the greeting took too long")
        super().send_command(*words, **options)  # type: ignore[misc]


class BoundedConnection(BoundedConnect, redis.Connection):
    """A connection."""


class BoundedTlsConnection(BoundedConnect, redis.SSLConnection):
    """A connection with TLS."""


class Patient:
    """For redis-py's connections in asyncio: bounds each step by ``within``, and knows its epoch.

    redis-py's own bounds would take a busy event loop for a silent Redis.
    """

    is_connected: bool

    def __init__(self, *, step_seconds: float, epoch: Epoch, **options: Any) -> None:
        super().__init__(**options)
        self._step_seconds = step_seconds
        self._epoch = epoch
        self._made_in = epoch.number

    async def connect(self) -> None:
        """Connect and greet, where it is not connected, or was in an earlier epoch. Called before each use."""
        if self.is_connected and self._made_in == self._epoch.number:
            return
        async with within(self._step_seconds):
            await super().disconnect(nowait=True)  # type: ignore[misc]
            self._made_in = self._epoch.number
            await super().connect()  # type: ignore[misc]

    async def read_response(self, *flags: Any, **options: Any) -> Any:
        """Read one answer. Where that takes too long redis-py closes the connection."""
        async with within(self._step_seconds):
            return await super().read_response(*flags, **options)  # type: ignore[misc]


class PatientConnection(Patient, redis.asyncio.Connection):
    """A connection."""


class PatientTlsConnection(Patient, redis.asyncio.SSLConnection):
    """A connection with TLS."""


def look_up(host: str, port: int, *, timeout_seconds: float) -> None:
    """Wait until the system can tell the host's address, which it then tells again at once.

    The system's own look-up has no time-out that a caller could set: it runs in a thread, and is left to itself when
    it takes too long.

    Raises:
        redis.TimeoutError: It took too long.
        redis.ConnectionError: The host has no address.
    """
    if is_address(host):
        return
    failures: list[OSError] = []
    found = threading.Event()

    def ask() -> None:
        try:
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            failures.append(error)
        found.set()

    threading.Thread(target=ask, name="redis-name-look-up", daemon=True).start()
    if not found.wait(timeout_seconds):
        raise redis.TimeoutError("the look-up of the host's address took too long")
    if failures:
        raise redis.ConnectionError("the host's address is not known") from failures[0]


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, which nobody has to look up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
