"""The simulator for browsers and other processes: an ASGI app, and a port."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import threading
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse
from fotoweb_middleware.testing.fake_fotoweb.transports import Handles

__all__ = ["Serving", "build_asgi_app"]

STOP_SECONDS: Final = 10
GRACE_SECONDS: Final = 1
THREAD_NAME: Final = "FakeFotoWeb"
CUT: Final = "fake_fotoweb.cut"
"""Key in the ASGI scope's state: a function that cuts the connection, where our own server offers one."""


# ------------------------------------------------------------------------------------------------- ASGI


def build_asgi_app(fake: Handles) -> Starlette:
    """Build the ASGI app: one route that hands everything to `fake.handle`."""
    return Starlette(routes=[Route("/{path:path}", _CatchAll(fake))])


class _CatchAll:
    """An ASGI app, not a function, so that Starlette lets every method through."""

    def __init__(self, fake: Handles) -> None:
        self._fake = fake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        asked = from_starlette(request, await request.body())
        given = await anyio.to_thread.run_sync(self._fake.handle, asked, abandon_on_cancel=True)
        if given.outcome == "answered":
            response = Response(given.body, given.status)
            response.raw_headers = to_raw_headers(given)
            await response(scope, receive, send)
        else:
            await cut_connection(scope, receive, send)


def from_starlette(request: Request, body: bytes) -> FakeRequest:
    """Read a Starlette request."""
    scope = request.scope
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    host = request.headers.get("host", "fotoweb.test")
    return FakeRequest(
        method=request.method,
        path=raw_path.decode("latin-1").partition("?")[0],
        query=scope["query_string"].decode("latin-1"),
        headers=tuple(request.headers.items()),
        body=body,
        origin=f"{request.url.scheme}://{host}",
    )


def to_raw_headers(given: FakeResponse) -> list[tuple[bytes, bytes]]:
    """Write the headers for ASGI, with the length of the body."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given.headers]
    return [*headers, (b"content-length", str(len(given.body)).encode())]


async def cut_connection(scope: Scope, receive: Receive, send: Send) -> None:
    """End the connection without an answer; under a foreign server, in the middle of one."""
    cut = scope.get("state", {}).get(CUT)
    if cut is None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        return
    cut()
    while (await receive())["type"] != "http.disconnect":
        pass


# ------------------------------------------------------------------------------------------------- port


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Keep what a simulator's own server says of its start and end out of the log of the app under test."""
    return record.levelno >= logging.WARNING or not (record.threadName or "").startswith(THREAD_NAME)


logging.getLogger("uvicorn.error").addFilter(_is_worth_logging)


class _CuttingProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also offers the app a way to cut the connection, and keeps no access log."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, CUT: self._cut}, _loop)
        self.access_log = False

    def _cut(self) -> None:
        self.transport.abort()


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Serving:
    """A simulator on a port. `with` starts and stops it, or call `start` and `stop`, as often as you like.

    Attributes:
        port: the port; 0 until the first start, then always the same one.
    """

    def __init__(self, fake: Handles, host: str, port: int) -> None:
        self._app = build_asgi_app(fake)
        self._host = host
        self.port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The origin, for FOTOWEB_URL."""
        return f"http://[{self._host}]:{self.port}" if ":" in self._host else f"http://{self._host}:{self.port}"

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Listen, serve from a thread, and return the URL. Starting twice changes nothing.

        Raises:
            OSError: when the port is taken.
            RuntimeError: when the server doesn't come up.
        """
        if self._server is not None:
            return self.url
        listener = listen(self._host, self.port)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http=_CuttingProtocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = server = _Server(config)
        run = functools.partial(server.run, sockets=[listener])
        self._thread = threading.Thread(target=run, name=f"{THREAD_NAME}:{self.port}", daemon=True)
        self._thread.start()
        if not server.ready.wait(STOP_SECONDS):
            self.stop()
            raise RuntimeError(f"the simulator did not start on port {self.port}")
        return self.url

    def stop(self) -> None:
        """Stop listening and close every connection, within seconds. Stopping twice changes nothing.

        Raises:
            RuntimeError: when the server's thread doesn't end.
        """
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is None or thread is None:
            return
        server.should_exit = True
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            raise RuntimeError(f"the simulator on port {self.port} did not stop")


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket, also where connections of an earlier one linger."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
