"""Run one app server on a listening socket that the test opened: ``python -m tests.servers.launch SERVER FD``.

``tests/matrix`` adds the app, where it is another than ``wrap``'s, and below which path the server shall have it.

The socket comes from the test, so its port is known and taken before the server starts: no race for a free port.
gunicorn is started by its own command, which takes the socket as ``fd://``; ``test_start_up.py`` starts uvicorn so too.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

__all__ = ["CERTIFICATE", "main"]

CERTIFICATE = "TEST_CERTIFICATE"
"""The variable that names a PEM file with a key and its certificate, where hypercorn shall speak TLS and HTTP/2."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a server is started with.

    Attributes:
        listener: The listening socket.
        address: The app, as ``module:attribute``.
        mount: The path below which the app is: "" or "/sub".
    """

    listener: socket.socket
    address: str
    mount: str

    def app(self) -> Any:
        """Import the app; the settings are read here."""
        module, _, attribute = self.address.partition(":")
        return getattr(importlib.import_module(module), attribute)


def run_uvicorn(launch: Launch, http: str) -> None:
    """Serve with uvicorn; ``http`` is "h11" or "httptools"."""
    import uvicorn  # noqa: PLC0415 (each server is imported by the process that runs it)

    config = uvicorn.Config(launch.address, http=http, root_path=launch.mount, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[launch.listener])


def hypercorn_config(launch: Launch) -> Any:
    """Return hypercorn's configuration."""
    from hypercorn.config import Config  # noqa: PLC0415 (as above)

    config = Config()
    config.bind = [f"fd://{launch.listener.detach()}"]
    config.accesslog = config.errorlog = "-"
    config.graceful_timeout = 1
    config.root_path = launch.mount
    config.certfile = config.keyfile = os.environ.get(CERTIFICATE)
    return config


def run_hypercorn(launch: Launch) -> None:
    """Serve with hypercorn on asyncio."""
    from hypercorn.asyncio import serve  # noqa: PLC0415 (as above)

    config, app = hypercorn_config(launch), launch.app()

    async def main() -> None:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        await serve(app, config, shutdown_trigger=stopped.wait)

    asyncio.run(main())


def run_hypercorn_trio(launch: Launch) -> None:
    """Serve with hypercorn on trio."""
    import trio  # noqa: PLC0415 (as above)
    from hypercorn.trio import serve  # noqa: PLC0415 (as above)

    config, app = hypercorn_config(launch), launch.app()

    async def main() -> None:
        with trio.open_signal_receiver(signal.SIGTERM) as signals:

            async def stopped() -> None:
                await anext(signals)

            await serve(app, config, shutdown_trigger=stopped)

    trio.run(main)


def run_waitress(launch: Launch) -> None:
    """Serve with waitress."""
    import waitress  # noqa: PLC0415 (as above)

    app = launch.app()
    leave_on_sigterm()
    waitress.serve(app, sockets=[launch.listener], threads=12, url_prefix=launch.mount)


class OnGivenSocket(WSGIServer):
    """wsgiref's server, on a socket that listens already."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), WSGIRequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()
        self.setup_environ()


def run_wsgiref(launch: Launch) -> None:
    """Serve with the standard library's server, one request at a time."""
    app = launch.app()
    leave_on_sigterm()
    server = OnGivenSocket(launch.listener)
    server.set_app(app)
    server.serve_forever()


def leave_on_sigterm() -> None:
    """End as on Control-C, for servers that know no other way."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)


SERVERS: dict[str, tuple[str, Callable[[Launch], None]]] = {
    "uvicorn-h11": ("asgi", lambda launch: run_uvicorn(launch, "h11")),
    "uvicorn-httptools": ("asgi", lambda launch: run_uvicorn(launch, "httptools")),
    "hypercorn": ("asgi", run_hypercorn),
    "hypercorn-trio": ("asgi", run_hypercorn_trio),
    "waitress": ("wsgi", run_waitress),
    "wsgiref": ("wsgi", run_wsgiref),
}


def main(name: str, descriptor: str, address: str | None = None, mount: str = "") -> None:
    """Serve until SIGTERM."""
    adapter, run = SERVERS[name]
    run(Launch(socket.socket(fileno=int(descriptor)), address or f"fotoweb_middleware.wrap:{adapter}", mount))


if __name__ == "__main__":
    main(*sys.argv[1:])
