"""Closes an accepted WebSocket with 4401 when its session ends, wherever that happens.

One task for each open WebSocket sleeps until the session is due to be checked. All WebSockets and requests of a session
share one look-up in the store. A token that expires, or a store or FotoWeb that is out of reach, closes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel

from fotoweb_middleware.events import EventEmitter, EventName
from fotoweb_middleware.live_session import LiveSession

CLOSE_CODE = 4401
TRY_AGAIN_LATER = 1013
"""Of the registry that RFC 6455, 11.7, began."""
CLOSING_SECONDS = 2.0
"""Most time for the server to tell the browser."""

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class SessionWebSocket:
    """One WebSocket, between the server and the app.

    Args:
        session: Whose it is.
        receive: The server's.
        send: The server's.
        events: Told of its end.
    """

    def __init__(self, session: LiveSession, receive: Receive, send: Send, events: EventEmitter) -> None:
        self._session = session
        self._receive = receive
        self._send = send
        self._events = events
        self._is_open = False
        self._has_ended = False
        self._waiting: set[anyio.CancelScope] = set()

    async def run(self, app: Callable[[Receive, Send], Awaitable[None]]) -> None:
        """Run the app until it returns. An error of its own comes out as it is, but for the ``OSError`` of ``send``."""
        error: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch)
            try:
                await app(self.receive, self.send)
            except Exception as raised:  # noqa: BLE001 (a task group would wrap it in a group)
                error = raised
            tasks.cancel_scope.cancel()
        if error is not None and not (self._has_ended and isinstance(error, OSError)):
            raise error

    async def receive(self) -> Any:
        """Return the server's next message; once the session has ended, a disconnect."""
        if not self._has_ended:
            with self._until_the_end():
                return await self._receive()
        await anyio.lowlevel.checkpoint()  # An app that asks again and again must not stop the event loop.
        return {"type": "websocket.disconnect", "code": CLOSE_CODE, "reason": ""}

    async def send(self, message: Any) -> None:
        """Hand a message to the server.

        Raises:
            OSError: The session has ended (ASGI 2.4, "Disconnected Client").
        """
        if not self._has_ended:
            with self._until_the_end():  # Also where the browser reads nothing, and the server waits for it.
                await self._send(message)
                is_accept, is_close = message["type"] == "websocket.accept", message["type"] == "websocket.close"
                self._is_open = is_accept or (self._is_open and not is_close)
                return
        await anyio.lowlevel.checkpoint()  # As in ``receive``.
        raise OSError("the WebSocket was closed, since its session has ended")

    @contextlib.contextmanager
    def _until_the_end(self) -> Iterator[None]:
        """Wait for the server; no longer than until the session ends."""
        with anyio.CancelScope() as scope:
            self._waiting.add(scope)
            try:
                yield
            finally:
                self._waiting.discard(scope)

    async def _watch(self) -> None:
        """Wait for the session's end, then close the WebSocket."""
        while True:
            await anyio.sleep(self._session.seconds_until_check())
            if self._is_open and await self._session.has_ended() and self._is_open:
                break
        self._has_ended = True
        self._events.emit(EventName.WEBSOCKET_CLOSED, session_id=self._session.session_id)
        for scope in tuple(self._waiting):
            scope.cancel()
        # The app may return at once: that must not cut the server's closing short. What a server raises where the
        # browser has gone meanwhile is its own.
        with anyio.move_on_after(CLOSING_SECONDS, shield=True), contextlib.suppress(Exception):
            await self._send({"type": "websocket.close", "code": CLOSE_CODE, "reason": ""})
