"""What the scripted token endpoint can answer: each function returns an ``Answer``.

An answer gets the connection and the grant that a good answer would carry, and writes what it likes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BOMB_MEGABYTES",
    "Answer",
    "Grant",
    "broken_off",
    "closed",
    "dripping",
    "endless_body",
    "endless_continue",
    "good",
    "gzip_bomb",
    "refusal",
    "reply",
    "reset",
    "silent",
    "with_surplus",
    "written",
]

JSON = "application/json"
BOMB_MEGABYTES = 200
STUCK_SECONDS = 3.0
"""A client that cuts a connection while its window is full may send no reset: what is left would wait for long."""


@dataclass(slots=True)
class Grant:
    """The tokens that a good answer carries.

    Attributes:
        user: Whose.
        was_rotated: Whether a whole 200 with the new refresh token was sent, so that the old one is dead.
        ends: To be called before the last byte of an answer goes: who has that may come again before we are told so.
    """

    user: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    was_rotated: bool = False
    ends: Callable[[], None] = field(default=lambda: None, repr=False)

    def document(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the token answer with changes; a change to ``...`` leaves the member out."""
        document = {
            "access_token": self.access_token,
            "token_type": "bearer",
            "expires_in": 3600,
            "refresh_token": self.refresh_token,
            **changes,
        }
        return {name: value for name, value in document.items() if value is not ...}


Answer = Callable[[socket.socket, Grant], None]


def written(status: int | str, body: bytes, content_type: str = JSON, **headers: str) -> bytes:
    """Return an answer as bytes; ``Retry_After="3"`` becomes a header."""
    told = {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name.replace('_', '-')}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def good(**changes: Any) -> Answer:
    """Give tokens; members of the answer may be changed, or left out with ``...``."""

    def answer(connection: socket.socket, grant: Grant) -> None:
        document = grant.document(changes)
        grant.ends()
        connection.sendall(written(200, json.dumps(document).encode()))
        grant.was_rotated = document.get("refresh_token") == grant.refresh_token

    return answer


def reply(status: int, body: bytes | str = b"", content_type: str = JSON, **headers: str) -> Answer:
    """Answer with this."""
    content = body.encode() if isinstance(body, str) else body
    return broken_off(written(status, content, content_type, **headers))


def refusal(status: int, error: str) -> Answer:
    """Refuse with an error code (RFC 6749, 5.2)."""
    return reply(status, json.dumps({"error": error}))


def broken_off(*pieces: bytes) -> Answer:
    """Send these bytes, whole or not, and close."""

    def answer(connection: socket.socket, grant: Grant) -> None:
        connection.settimeout(STUCK_SECONDS)
        *first, last = pieces
        for piece in first:
            connection.sendall(piece)
        grant.ends()
        connection.sendall(last)

    return answer


def closed(connection: socket.socket, grant: Grant) -> None:
    """Close without a word."""


def silent(connection: socket.socket, grant: Grant) -> None:
    """Say nothing until the client goes."""
    connection.recv(1)


def reset(connection: socket.socket, grant: Grant) -> None:
    """Reset the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dripping(prefix: bytes) -> Answer:
    """Send this, and then one byte now and then, each well within any time-out for a single read."""

    def answer(connection: socket.socket, grant: Grant) -> None:
        connection.sendall(prefix)
        for _turn in range(300):
            time.sleep(0.1)
            connection.sendall(b"a")

    return answer


def with_surplus(other: Grant) -> Answer:
    """Give tokens, and at once a second answer with somebody else's, and keep the connection open."""

    def answer(connection: socket.socket, grant: Grant) -> None:
        own, surplus = (json.dumps(each.document({})).encode() for each in (grant, other))
        connection.sendall(written(200, own) + written(200, surplus))
        grant.was_rotated = True
        with contextlib.suppress(OSError):
            connection.recv(1)

    return answer


def endless_body(connection: socket.socket, grant: Grant) -> None:
    """Begin a body of 10 GiB and send it as long as the client reads."""
    connection.settimeout(STUCK_SECONDS)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n")
    while True:
        connection.sendall(b" " * 65_536)


def endless_continue(connection: socket.socket, grant: Grant) -> None:
    """Send ``100 Continue`` for ever, as fast as the client reads."""
    connection.settimeout(STUCK_SECONDS)
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def gzip_bomb() -> bytes:
    """Return some 200 KB that inflate to 200 MB of spaces, as a gzip file (RFC 1952)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    megabyte = packer.compress(b" " * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush no block looks back, so one block may stand there 200 times: no need to pack each.
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + megabyte * BOMB_MEGABYTES + packer.flush()
