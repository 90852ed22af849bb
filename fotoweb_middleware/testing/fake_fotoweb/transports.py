"""The simulator in process: httpx transports without a socket."""

from __future__ import annotations

from typing import Protocol

import anyio.to_thread
import httpx

from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse

__all__ = ["AsyncTransport", "Handles", "Transport"]


class Handles(Protocol):
    """What answers requests: `FakeFotoWeb`."""

    def handle(self, request: FakeRequest) -> FakeResponse:
        """Answer one request."""
        ...


class Transport(httpx.BaseTransport):
    """Talks to the simulator without a socket. Needs no event loop; safe from many threads."""

    def __init__(self, fake: Handles) -> None:
        self._fake = fake

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request of an `httpx.Client`."""
        return to_httpx(self._fake.handle(from_httpx(request, request.read())), request)


class AsyncTransport(httpx.AsyncBaseTransport):
    """Talks to the simulator without a socket, under asyncio and trio; a cancelled caller doesn't stop FotoWeb."""

    def __init__(self, fake: Handles) -> None:
        self._fake = fake

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request of an `httpx.AsyncClient`."""
        asked = from_httpx(request, await request.aread())
        given = await anyio.to_thread.run_sync(self._fake.handle, asked, abandon_on_cancel=True)
        return to_httpx(given, request)


def from_httpx(request: httpx.Request, body: bytes) -> FakeRequest:
    """Read an httpx request."""
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    timeouts = request.extensions.get("timeout", {})
    return FakeRequest(
        method=request.method.upper(),
        path=path,
        query=query,
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw),
        body=body,
        origin=f"{request.url.scheme}://{request.url.netloc.decode('ascii')}",
        read_timeout_seconds=timeouts.get("read"),
    )


def to_httpx(given: FakeResponse, request: httpx.Request) -> httpx.Response:
    """Give an httpx response, or raise what httpx raises over a real network."""
    if given.outcome == "unreachable":
        raise httpx.ConnectError("Connection refused", request=request)
    if given.outcome == "dropped":
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    if given.outcome == "timed out":
        raise httpx.ReadTimeout("The read operation timed out", request=request)
    body = b"" if request.method == "HEAD" else given.body
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.headers]
    return httpx.Response(given.status, headers=headers, stream=httpx.ByteStream(body), request=request)
