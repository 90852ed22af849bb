"""The ASGI middleware behind a uvicorn of this very process, so that what the server logs is heard too."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio.from_thread
import uvicorn

from tests.behaviour.adapters import APP, Reply

__all__ = ["served"]

HOST = APP.removeprefix("https://")


@dataclass(frozen=True)
class UvicornAdapter:
    """A connection to the server for each request; TLS ends before it, as behind a proxy."""

    port: int

    def request(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> Reply:
        """Send one request and return the response."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in [("Host", HOST), ("X-Forwarded-Proto", "https"), *headers]:
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Reply(response.status, tuple(response.getheaders()), response.read())


@contextlib.contextmanager
def served(app: Any, portal: anyio.from_thread.BlockingPortal) -> Iterator[UvicornAdapter]:
    """Serve an app in the portal's event loop, with every line of the log that the server can write below TRACE."""
    config = uvicorn.Config(app, log_config=None, log_level="debug", lifespan="off", proxy_headers=True)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = portal.start_task_soon(server.serve, [listener])
        try:
            yield UvicornAdapter(listener.getsockname()[1])
        finally:
            server.should_exit = True
            serving.result(timeout=20)
