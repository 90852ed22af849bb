"""What the ASGI door sends: answers of our own, and the app's with our cookies added (ASGI "HTTP & WebSocket" 2.5)."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from fotoweb_middleware.model import Admit, Answer, PassThrough
from fotoweb_middleware.response_headers import cache_control_with_cookie, vary_with_cookie

__all__ = ["Headers", "answer", "sender_for"]

CACHE_HEADERS = (b"cache-control", b"vary")
START_MESSAGES = frozenset({"http.response.start", "websocket.accept"})

Scope = Any  # As in ``asgi``.
Receive = Any
Send = Any
Headers = list[tuple[bytes, bytes]]


def sender_for(decision: Admit | PassThrough, send: Send) -> Send:
    """Return a ``send`` that adds our cookies to the app's response, or the server's own where there are none."""
    if not decision.set_cookies:
        return send

    async def send_with_cookies(message: Any) -> None:  # No variable holds a cookie of ours, should ``send`` fail.
        if message["type"] not in START_MESSAGES:
            await send(message)
            return
        ours = ((b"set-cookie", value.encode("latin-1")) for value in decision.set_cookies)
        await send({**message, "headers": [*uncached(message.get("headers", ())), *ours]})

    return send_with_cookies


def uncached(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the app's headers, with what keeps shared caches from storing our cookies; wrong ones raise."""
    pairs = [(bytes(name).lower(), bytes(value)) for name, value in headers]
    said = {name: b", ".join(v for n, v in pairs if n == name).decode("latin-1") or None for name in CACHE_HEADERS}
    kept = [pair for pair in pairs if pair[0] not in CACHE_HEADERS]
    cache_control, vary = cache_control_with_cookie(said[b"cache-control"]), vary_with_cookie(said[b"vary"])
    return [*kept, (b"cache-control", cache_control.encode("latin-1")), (b"vary", vary.encode("latin-1"))]


@functools.lru_cache(64)
def name_on_wire(name: str) -> bytes:
    """Return a header's name as ASGI wants it. Remembered: ours are few, and each answer has half a dozen."""
    return name.lower().encode("latin-1")


def headers_of(decision: Answer) -> Headers:
    """Return the headers of an answer of our own. Who sends them keeps them in no variable, as in ``sender_for``."""
    length = str(len(decision.body))
    return [(name_on_wire(n), v.encode("latin-1")) for n, v in (*decision.headers, ("content-length", length))]


async def answer(decision: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer of our own; a WebSocket is refused before it is accepted."""
    is_websocket = scope["type"] == "websocket"
    if is_websocket:
        await receive()  # websocket.connect: some servers insist that it is read first
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": decision.websocket_close_code, "reason": ""})
            return
    kind = "websocket.http.response" if is_websocket else "http.response"
    await send({"type": f"{kind}.start", "status": decision.status, "headers": headers_of(decision)})
    await send({"type": f"{kind}.body", "body": b"" if scope.get("method") == "HEAD" else decision.body})
