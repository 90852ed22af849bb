"""Connections that a test reads bit by bit: streams, WebSockets, bodies that are not sent to their end."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.attacks.attacked import APP, APP_HOST
from tests.attacks.browser import Browser
from tests.attacks.raw_client import PATIENCE_SECONDS, RawReply, read_reply, write_request
from tests.servers.cookie_jar import Use
from tests.servers.serving import Kind

__all__ = ["OpenConnection", "handshake"]

TEXT, SHORT, MEDIUM = 0x81, 125, 126
"""RFC 6455, 5.2: a whole message of text; the longest length in one byte; the mark of a length in two."""


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Origin": APP,
    "Sec-Fetch-Mode": "websocket",
    "Sec-Fetch-Dest": "websocket",
    "Sec-Fetch-Site": "same-origin",
}


def handshake(kind: Kind) -> dict[str, str]:
    """Return a browser's headers; a WSGI server, which upgrades nothing, is asked to close after its answer."""
    return HANDSHAKE if kind.adapter == "asgi" else {**HANDSHAKE, "Connection": "close"}


class OpenConnection:
    """One request with the cookies of a browser's jar, and the answer as it comes; a context manager.

    Args:
        browser: Whose jar, and who is told the answer.
        method: Of the request.
        target: Path and query.
        headers: Besides Host and Cookie.
        body: The first part of the request's body.
    """

    def __init__(
        self, browser: Browser, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> None:
        self._browser = browser
        self._asked, self._url = f"{method} {target}", APP + target
        self._received = b""
        self._started = time.monotonic()
        self._socket = socket.create_connection(("127.0.0.1", browser.server.port), PATIENCE_SECONDS)
        cookie = browser.jar.header(self._url, Use(cross_site=False, navigation=False, method=method))
        pairs = [("Host", APP_HOST), *headers.items(), *([("Cookie", cookie)] if cookie else [])]
        self._socket.sendall(write_request(method, target, pairs, body))

    def __enter__(self) -> Self:
        """It is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Send more of the request's body."""
        self._socket.sendall(content)

    def read_until(self, end: bytes) -> bytes:
        """Read until this has come; return all that has come since the last time, up to its end.

        Raises:
            AssertionError: The server closed before.
        """
        while end not in self._received:
            part = self._receive()
            assert part, f"the server closed; there was {self._received[:500]!r}"
            self._received += part
        before, found, self._received = self._received.partition(end)
        return before + found

    def read_message(self) -> bytes:
        """Read one WebSocket message of text, as servers send it: whole and not masked (RFC 6455, 5.2)."""
        first, length = self._read(2)
        assert (first, length <= MEDIUM) == (TEXT, True)
        return self._read(length if length <= SHORT else int.from_bytes(self._read(2)))

    def read_reply(self) -> RawReply:
        """Read the answer: its head where it is a 101, else all until the server closes."""
        answer = self.read_until(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101 "):
            while part := self._receive():
                self._received += part
            answer, self._received = answer + self._received, b""
        return self._browser.note(self._url, read_reply(self._asked, answer, time.monotonic() - self._started))

    def abort(self) -> None:
        """Reset the connection, as a client does that goes away in the middle."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _receive(self) -> bytes:
        """Return what comes next, nothing at the end. A server that leaves a body unread may end with a reset."""
        try:
            return self._socket.recv(65_536)
        except ConnectionResetError:
            return b""

    def _read(self, count: int) -> bytes:
        while len(self._received) < count:
            part = self._receive()
            assert part, "the server closed"
            self._received += part
        content, self._received = self._received[:count], self._received[count:]
        return content
