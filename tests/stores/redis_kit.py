"""What the tests of the Redis store share: stores, a Redis whose clock can be turned, servers that are no Redis."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.redis import RedisStore
from tests.providers.redis_server import admin, frozen, kill, turn_clock

__all__ = [
    "NAMESPACE",
    "PATIENT_SECONDS",
    "SHORT_SECONDS",
    "admin",
    "failure",
    "free_port",
    "frozen",
    "kill",
    "open_store",
    "speaking",
    "turn_clock",
]

NAMESPACE = "test"

PATIENT_SECONDS = 20.0
"""The time-out where none is expected: a busy machine must not look like a Redis that hangs."""

SHORT_SECONDS = 0.2
"""The time-out where one is expected."""


@contextlib.contextmanager
def open_store(address: str, **options: Any) -> Iterator[RedisStore]:
    """Yield a patient store, and close it."""
    store = RedisStore(address, **{"namespace": NAMESPACE, "timeout_seconds": PATIENT_SECONDS, **options})
    try:
        yield store
    finally:
        store.close()


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


def failure(call: Callable[[], object]) -> str:
    """Return the words of the failure that ``call`` must end in."""
    with pytest.raises(StoreUnavailable) as failed:
        call()
    return str(failed.value)
