"""One call to FotoWeb over a connection of its own, on any event loop (docs/adr/0023, 0028, 0034).

httpx takes as long again for what is of no use here: its pool goes through all connections at each step of each call,
though none is ever used twice, and its client looks for cookies, redirects and credentials. So HTTP/1.1
is httpcore's, and the connection and TLS are anyio's: the same code that httpx ends in. Where there is a proxy, httpx
calls.
"""

from __future__ import annotations

import functools
import ssl
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import anyio

from fotoweb_middleware.drivers.calling import HEADERS, ReplyReader, request_parts, unreachable
from fotoweb_middleware.effects import GetDocument, HttpReply, PostForm

if TYPE_CHECKING:
    import httpcore
    from anyio.abc import ByteStream

__all__ = ["call_directly"]

MOST_ADDRESSES = 16
BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError)


async def call_directly(effect: PostForm | GetDocument, tls: ssl.SSLContext) -> HttpReply:
    """Carry a call out; whoever calls sees to the deadline.

    Args:
        effect: What to ask.
        tls: Checks FotoWeb's certificate.

    Raises:
        FotoWebUnreachable: There is no whole answer.
        FotoWebNonsense: It is too large, or compressed.
    """
    import httpcore  # noqa: PLC0415 (``ClientOptions.load`` did it)

    try:
        return await exchange(wire_request(effect), tls)
    except httpcore.NetworkError as error:
        raise unreachable(error, is_safe=True) from None
    except httpcore.ProtocolError as error:
        raise unreachable(error) from None


async def exchange(request: httpcore.Request, tls: ssl.SSLContext) -> HttpReply:
    """Send a request and return the answer.

    Raises:
        httpcore.NetworkError, httpcore.ProtocolError: There is no whole answer.
        FotoWebNonsense: It is too large, or compressed.
    """
    import httpcore  # noqa: PLC0415 (see above)

    origin = request.url.origin
    stream = await connect(origin, tls)
    connection = httpcore.AsyncHTTP11Connection(origin, cast("httpcore.AsyncNetworkStream", stream))
    try:
        answer = await connection.handle_async_request(request)
        reader = ReplyReader(answer.status, answer.headers)
        async for chunk in answer.aiter_stream():
            reader.add(chunk)
        return reader.reply()
    finally:
        with anyio.CancelScope(shield=True):  # Without it a call that is cancelled leaves its socket open.
            await connection.aclose()


async def connect(origin: httpcore.Origin, tls: ssl.SSLContext) -> Stream:
    """Return a connection, over TLS where the scheme is https.

    Raises:
        httpcore.ConnectError: There is none.
    """
    import httpcore  # noqa: PLC0415 (see above)

    host, is_secure = origin.host.decode("ascii"), origin.scheme == b"https"
    try:
        if not is_secure:
            return Stream(await anyio.connect_tcp(host, origin.port))
        tls.set_alpn_protocols(["http/1.1"])
        secured = await anyio.connect_tcp(
            host, origin.port, ssl_context=tls, tls_hostname=host, tls_standard_compatible=False
        )
        return Stream(secured)
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
        raise httpcore.ConnectError(error) from error
    except ValueError as error:  # Of anyio, which then has no error to tell of: the loop has ended under its attempts.
        raise httpcore.ConnectError("cut off") from error


class Stream:
    """A connection as httpcore's HTTP/1.1 wants it.

    httpcore's own has a scope for the time-out of each read, which here is none, and a context for its errors: eighteen
    objects that are there as long as FotoWeb takes.

    Args:
        stream: The connection.
    """

    __slots__ = ("_stream",)

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 (httpcore's)
        """Return what comes next, nothing at the end."""
        import httpcore  # noqa: PLC0415 (see above)

        try:
            return await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            return b""
        except BROKEN as error:
            raise httpcore.ReadError(error) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 (httpcore's)
        """Send it all."""
        import httpcore  # noqa: PLC0415 (see above)

        if not buffer:
            return
        try:
            await self._stream.send(buffer)
        except BROKEN as error:
            raise httpcore.WriteError(error) from error

    async def aclose(self) -> None:
        """Close it."""
        await self._stream.aclose()


def wire_request(effect: PostForm | GetDocument) -> httpcore.Request:
    """Return what goes over the wire for an effect: the same that httpx would send."""
    import httpcore  # noqa: PLC0415 (see above)

    parts = request_parts(effect)
    url, host = address(parts["url"])
    headers = [(b"Host", host)]
    headers += [(name.encode(), value.encode()) for name, value in {**HEADERS, **parts["headers"]}.items()]
    content: bytes | None = None
    if "content" in parts:
        content = parts["content"].encode()
        headers.append((b"Content-Length", b"%d" % len(content)))
    return httpcore.Request(parts["method"], url, headers=headers, content=content)


@functools.lru_cache(MOST_ADDRESSES)
def address(url: str) -> tuple[httpcore.URL, bytes]:
    """Return an address as httpcore takes it, and its Host header; an app has two or three.

    Args:
        url: As settings have it: ASCII, and without the port that is the scheme's own.
    """
    import httpcore  # noqa: PLC0415 (see above)

    return httpcore.URL(url), urlsplit(url).netloc.encode("ascii")
