"""Run one app server on a listening socket that the test opened: ``python -m tests.servers.launch SERVER FD``.

The socket comes from the test, so its port is known and taken before the server starts: no race for a free port.
gunicorn is started by its own command, which takes the socket as ``fd://``; ``test_start_up.py`` starts uvicorn so too.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

__all__ = ["main"]

ASGI_APP = "fotoweb_middleware.wrap:asgi"


def run_uvicorn(listener: socket.socket, http: str) -> None:
    """Serve with uvicorn; ``http`` is "h11" or "httptools"."""
    import uvicorn  # noqa: PLC0415 (each server is imported by the process that runs it)

    config = uvicorn.Config(ASGI_APP, http=http, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


def run_hypercorn(listener: socket.socket) -> None:
    """Serve with hypercorn."""
    from hypercorn.asyncio import serve  # noqa: PLC0415 (as above)
    from hypercorn.config import Config  # noqa: PLC0415 (as above)

    from fotoweb_middleware.wrap import asgi  # noqa: PLC0415 (the settings are read here)

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.accesslog = config.errorlog = "-"
    config.graceful_timeout = 1

    async def main() -> None:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        await serve(asgi, config, shutdown_trigger=stopped.wait)

    asyncio.run(main())


def run_waitress(listener: socket.socket) -> None:
    """Serve with waitress."""
    import waitress  # noqa: PLC0415 (as above)

    from fotoweb_middleware.wrap import wsgi  # noqa: PLC0415 (as above)

    leave_on_sigterm()
    waitress.serve(wsgi, sockets=[listener], threads=12)


class OnGivenSocket(WSGIServer):
    """wsgiref's server, on a socket that listens already."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), WSGIRequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()
        self.setup_environ()


def run_wsgiref(listener: socket.socket) -> None:
    """Serve with the standard library's server, one request at a time."""
    from fotoweb_middleware.wrap import wsgi  # noqa: PLC0415 (as above)

    leave_on_sigterm()
    server = OnGivenSocket(listener)
    server.set_app(wsgi)
    server.serve_forever()


def leave_on_sigterm() -> None:
    """End as on Control-C, for servers that know no other way."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)


SERVERS: dict[str, Callable[[socket.socket], None]] = {
    "uvicorn-h11": lambda listener: run_uvicorn(listener, "h11"),
    "uvicorn-httptools": lambda listener: run_uvicorn(listener, "httptools"),
    "hypercorn": run_hypercorn,
    "waitress": run_waitress,
    "wsgiref": run_wsgiref,
}


def main(name: str, descriptor: str) -> None:
    """Serve until SIGTERM."""
    SERVERS[name](socket.socket(fileno=int(descriptor)))


if __name__ == "__main__":
    main(*sys.argv[1:])
