"""Two servers that run in a thread and stop at once: uvicorn for ASGI, the standard library's for WSGI."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import uvicorn

__all__ = ["serving_asgi", "serving_wsgi"]

GRACE_SECONDS: Final = 1
STOP_SECONDS: Final = 5
SHUTDOWN_POLL_SECONDS: Final = 0.1
SILENT_CLIENT_SECONDS: Final = 30


@contextmanager
def serving_asgi(app: Any, listener: socket.socket) -> Iterator[None]:
    """Serve an ASGI app on a listening socket, and close that at the end."""
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    # In a thread of its own uvicorn leaves the signals to us.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="demo-asgi", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
        listener.close()


@contextmanager
def serving_wsgi(app: Callable[..., Any], listener: socket.socket) -> Iterator[None]:
    """Serve a WSGI app on a listening socket, each request in a thread, and close that at the end."""
    server = _ThreadingWSGIServer(listener)
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever, args=(SHUTDOWN_POLL_SECONDS,), name="demo-wsgi", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(STOP_SECONDS)


class _QuietHandler(WSGIRequestHandler):
    """One request, without a line for each on the terminal."""

    timeout = SILENT_CLIENT_SECONDS  # Browsers open connections that they never use.

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base's name)
        """Write nothing."""

    def address_string(self) -> str:
        """Return the client's address without asking the name service."""
        return str(self.client_address[0])


class _ThreadingWSGIServer(socketserver.ThreadingMixIn, WSGIServer):
    """The standard library's WSGI server, with threads, on a socket that listens already."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket) -> None:
        self.address_family = listener.family
        super().__init__(listener.getsockname()[:2], _QuietHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up or stay silent."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
