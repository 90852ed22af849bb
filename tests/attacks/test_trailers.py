"""Headers that come after the body, as HTTP trailers, are no headers of the request (RFC 9110, 6.5.1)."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any, Literal

import anyio.from_thread
import pytest
import uvicorn

from fotoweb_middleware import FotoWebASGIMiddleware, Settings
from fotoweb_middleware.testing import FakeFotoWeb
from tests.attacks.raw_client import read_reply
from tests.behaviour.kit import CALLBACK, FOTOWEB, SECRET_KEY

HEAD = (
    b"POST /open HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    b"Trailer: Authorization\r\n\r\n"
)
REST = b"2\r\nhi\r\n0\r\nAuthorization: Bearer forged\r\nCookie: __Host-fotoweb=planted\r\n\r\n"
PATIENCE_SECONDS = 20.0


class App:
    """Reads the whole body, then tells which headers there are.

    Attributes:
        is_called: Set when a request has come.
    """

    def __init__(self) -> None:
        self.is_called = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        self.is_called.set()
        while (await receive()).get("more_body"):
            pass
        names = sorted({name.decode("latin-1") for name, _ in scope["headers"]})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(names).encode()})


@contextlib.contextmanager
def served(asgi: Any, portal: anyio.from_thread.BlockingPortal, http: Literal["h11", "httptools"]) -> Iterator[int]:
    """Serve an app in the portal's event loop, and yield the port."""
    server = uvicorn.Server(uvicorn.Config(asgi, log_config=None, lifespan="off", http=http))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = portal.start_task_soon(server.serve, [listener])
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            serving.result(timeout=20)


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize("in_one_piece", [True, False], ids=["in one piece", "after the head"])
def test_forged_authorization(
    portal: anyio.from_thread.BlockingPortal, http: Literal["h11", "httptools"], in_one_piece: bool
) -> None:
    """An Authorization that an anonymous user sends as a trailer on a public path never reaches the app (T-RP-09).

    uvicorn with httptools adds trailers to the scope's own list of headers, whether the app runs already or not.
    """
    client, app = FakeFotoWeb().client, App()
    settings = Settings(
        url=FOTOWEB,
        client_id=client.client_id,
        client_secret=client.client_secret,
        secret_key=SECRET_KEY,
        redirect_uri=CALLBACK,
        cache="memory://",
        public_paths=("/open",),
    )
    with (
        served(FotoWebASGIMiddleware(app, settings), portal, http) as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection,
    ):
        connection.sendall(HEAD + REST if in_one_piece else HEAD)
        assert app.is_called.wait(PATIENCE_SECONDS)
        connection.sendall(b"" if in_one_piece else REST)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    reply = read_reply("POST /open", answer, 0)
    assert reply.status == 200
    assert {"authorization", "cookie"} & set(json.loads(reply.body)) == set()
