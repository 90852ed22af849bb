"""A server that speaks raw bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Self

__all__ = ["RawServer", "raw_server", "whole_request"]


class RawServer:
    """A server that does with each connection what a function says.

    Args:
        serve: Gets the connection and what the client sent first.
    """

    def __init__(self, serve: Callable[[socket.socket, bytes], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Start."""
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait for every connection to end."""
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in list(self._threads):
            thread.join(10)

    def forget_requests(self) -> None:
        """Forget what was sent so far, and the threads that have answered it, for a run of hours."""
        self.requests.clear()
        self._threads[:] = [thread for thread in self._threads if thread.is_alive()]

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._start(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            request = whole_request(connection)
            self.requests.append(request)
            self._serve(connection, request)


def whole_request(connection: socket.socket) -> bytes:
    """Read a request with its body: closing a connection with something unread would reset it."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += some_bytes(connection)
    head, _, body = request.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += some_bytes(connection)
    return head + b"\r\n\r\n" + body


def some_bytes(connection: socket.socket) -> bytes:
    """Read what comes next; a client that goes is an OSError."""
    received = connection.recv(65_536)
    if not received:
        raise ConnectionAbortedError
    return received


@contextlib.contextmanager
def raw_server(*answers: bytes) -> Iterator[RawServer]:
    """Run a server that sends these bytes and closes."""

    def serve(connection: socket.socket, _: bytes) -> None:
        for answer in answers:
            connection.sendall(answer)

    with RawServer(serve) as server:
        yield server
