"""The app behind the middleware: the echo app of ``tests/servers``, and pages that are hard on a middleware.

``/cached``: what the echo app says, for every store to keep.
``/cookies``: the same, with three cookies of the app's own.
``/raise/before``, ``/raise/after``: ends with ``Trouble``, before or after its answer has begun.
``/endless``: goes on until the client goes away; the log then says ``CLOSED``, once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.servers import echo_app

__all__ = ["APP_COOKIES", "CLOSED", "FIRST_PART", "TROUBLE", "asgi", "never_starts", "wsgi"]

LOGGER = logging.getLogger("inner_pages")
APP_COOKIES = [
    "app-a=1; Path=/",
    "app-b=2; Path=/; Expires=Wed, 21 Oct 2037 07:28:00 GMT",  # A comma: who folds the three into one breaks it.
    "app-c=3; Path=/; HttpOnly",
]
MORE_HEADERS = {
    "/cached": [("Cache-Control", "public, max-age=3600"), ("Vary", "Accept")],
    "/cookies": [("Set-Cookie", cookie) for cookie in APP_COOKIES],
}
CLOSED = "the endless body was closed"
FIRST_PART = b"the first part, and no more"
TROUBLE = "the app's own trouble"
MOST_CHUNKS = 2000
"""The end of what is endless, should nobody notice that the client went away."""

CHUNK = b"x" * 65_536


class Trouble(Exception):
    """What an app raises that is wrong."""


# -------------------------------------------------------------------------------------------------------------- ASGI


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Serve the app to an ASGI server."""
    path = scope.get("path", "")
    if path.startswith("/raise/"):
        await raise_asgi(send, after=path == "/raise/after")
    elif path == "/endless":
        await endless_asgi(receive, send)
    else:
        await echo_app.asgi(scope, receive, sender_for(path, send))


async def never_starts(scope: Any, receive: Any, send: Any) -> None:
    """Fail where the server asks for the start-up."""
    assert scope["type"] == "lifespan"
    await receive()
    await send({"type": "lifespan.startup.failed", "message": TROUBLE})


def sender_for(path: str, send: Any) -> Any:
    """Return a ``send`` that adds a path's headers."""

    async def send_more(message: Any) -> None:
        if message["type"] == "http.response.start" and path in MORE_HEADERS:
            more = [(name.lower().encode(), value.encode()) for name, value in MORE_HEADERS[path]]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return send_more


async def raise_asgi(send: Any, *, after: bool) -> None:
    """Raise, maybe after a part of an answer."""
    if after:
        await echo_app.start(send, b"text/plain")
        await send({"type": "http.response.body", "body": FIRST_PART, "more_body": True})
    raise Trouble(TROUBLE)


async def endless_asgi(receive: Any, send: Any) -> None:
    """Send until the server says that the client has gone."""
    gone = asyncio.create_task(wait_for_disconnect(receive))
    try:
        await echo_app.start(send, b"text/plain")
        for _ in range(MOST_CHUNKS):
            if gone.done():
                break
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
            await asyncio.sleep(0)
    finally:
        gone.cancel()
        LOGGER.info(CLOSED)


async def wait_for_disconnect(receive: Any) -> None:
    """Return once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


# -------------------------------------------------------------------------------------------------------------- WSGI


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve the app to a WSGI server."""
    path = environ["PATH_INFO"]
    if path == "/raise/before":
        raise Trouble(TROUBLE)
    if path in {"/raise/after", "/endless"}:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return raise_later() if path == "/raise/after" else Endless()

    def start_more(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, *MORE_HEADERS.get(path, [])], *rest)

    return echo_app.wsgi(environ, start_more)


def raise_later() -> Iterator[bytes]:
    """Give a part of an answer, then raise."""
    yield FIRST_PART
    raise Trouble(TROUBLE)


class Endless:
    """A body that goes on until the server closes it (PEP 3333: it must, also where the client went away)."""

    def __init__(self) -> None:
        self._left = MOST_CHUNKS

    def __iter__(self) -> Iterator[bytes]:
        """Return itself."""
        return self

    def __next__(self) -> bytes:
        """Return one more chunk."""
        if not self._left:
            raise StopIteration
        self._left -= 1
        return CHUNK

    def close(self) -> None:
        """Say so."""
        LOGGER.info(CLOSED)
