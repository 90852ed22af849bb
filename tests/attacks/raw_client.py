"""HTTP as bytes on a socket: targets, methods and headers reach the server as written, where a library would tidy them.

One request a connection. What comes back is read until the server closes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["RawReply", "exchange", "read_reply", "write_request"]

PATIENCE_SECONDS = 20.0

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RawReply:
    """One answer, and what was asked.

    Attributes:
        asked: Method and target.
        status: 0 where the server closed without an answer.
        headers: As they came, in order.
        body: Without chunks.
        took_seconds: From connecting to the last byte.
    """

    asked: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    took_seconds: float

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return a header's value, None where it is absent."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        location = self.header("Location")
        assert location is not None, (self, self.body[:300])
        return location

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def told(self) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """All that a client could tell two answers apart by: everything but the time of day."""
        return self.status, tuple(pair for pair in self.headers if pair[0].lower() != "date"), self.body

    @property
    def is_from_app(self) -> bool:
        """Whether the app behind the middleware answered, and not the middleware."""
        return self.status == 200 and self.body.startswith(b'{"token": ')

    @property
    def seen(self) -> dict[str, Any]:
        """What the app saw."""
        assert self.is_from_app, (self, self.body[:300])
        content: dict[str, Any] = json.loads(self.body)
        return content


def write_request(method: str, target: str, headers: Pairs, body: bytes = b"") -> bytes:
    """Return a request; nothing in it is checked or encoded but to Latin-1."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def exchange(port: int, request: bytes) -> RawReply:
    """Send bytes to a server of this machine and read its answer."""
    started, received = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # It may answer before it has read all.
            connection.sendall(request)
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                received += part
    asked = request.partition(b" HTTP/1.1\r\n")[0].decode("latin-1")
    return read_reply(asked, received, time.monotonic() - started)


def read_reply(asked: str, received: bytes, took_seconds: float) -> RawReply:
    """Read the bytes of an answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1") and not head.startswith(b"HTTP/1.1 101"):  # 100 Continue and its like
        head, _, body = body.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in rest]
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    is_chunked = any(name.lower() == "transfer-encoding" and "chunked" in value.lower() for name, value in headers)
    status = int(first.split(" ")[1]) if first.startswith("HTTP/1.") else 0
    return RawReply(asked, status, headers, without_chunks(body) if is_chunked else body, took_seconds)


def without_chunks(body: bytes) -> bytes:
    """Return what a chunked body holds (RFC 9112, 7.1)."""
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0] or b"0", 16)
        content, body = content + body[:length], body[length + 2 :]
        if length == 0:
            break
    return content
