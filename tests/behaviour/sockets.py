"""The server's side of open WebSockets, on the event loop of a test's portal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel

from fotoweb_middleware import FotoWebASGIMiddleware
from fotoweb_middleware.testing import FakeClock
from tests.behaviour.kit import FETCH, AsgiAdapter, Visited, Visitor

RECHECK_SECONDS = 0.02


class RunningClock(FakeClock):
    """A clock that can be turned, and that moves on by 20 ms with each look: what is due comes due."""

    def __call__(self) -> float:
        """Return the time."""
        self.advance(RECHECK_SECONDS)
        return super().__call__()


class Socket:
    """The server's side of one WebSocket: what the app sent, and a browser that stays and says nothing."""

    def __init__(self, visitor: Visitor) -> None:
        adapter = visitor.site.adapter
        assert isinstance(adapter, AsgiAdapter)
        self.scope = adapter.scope("websocket", "GET", "/ws", [*FETCH.items(), *visitor.jar.header("/ws")])
        self.middleware: FotoWebASGIMiddleware = visitor.site.middleware
        self.sent: list[Any] = []
        self.is_accepted = anyio.Event()
        self.is_closed = anyio.Event()
        self.error_at_close: Exception | None = None
        self._messages: list[Any] = [{"type": "websocket.connect"}]

    async def receive(self) -> Any:
        """Return the connect, then nothing for ever."""
        if self._messages:
            return self._messages.pop()
        return await anyio.sleep_forever()

    async def send(self, message: Any) -> None:
        """Note what the app sends; wait for ever for a browser to read "stuck"."""
        if message.get("text") == "stuck":
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.is_closed.set()
            if self.error_at_close is not None:
                raise self.error_at_close
        if message["type"] == "websocket.accept":
            self.is_accepted.set()

    async def run(self) -> None:
        """Run the app with this WebSocket, for at most 20 s."""
        with anyio.fail_after(20):
            await self.middleware(self.scope, self.receive, self.send)


async def waiting_app(scope: Any, receive: Any, send: Any) -> None:
    """Accept, and wait for the end; say of it what was received, by a field of the scope."""
    await receive()
    await send({"type": "websocket.accept"})
    scope["state"]["end"] = await receive()


def opened(visitor: Visitor, app: Any = waiting_app) -> tuple[Socket, dict[str, Any]]:
    """Return a WebSocket of somebody's, not yet run, and what its app notes."""
    visitor.site.app.instead = app  # type: ignore[attr-defined]
    state: dict[str, Any] = {}

    async def make() -> Socket:
        return Socket(visitor)

    assert isinstance(visitor.site.adapter, AsgiAdapter)
    socket = visitor.site.adapter.portal.call(make)
    socket.scope["state"] = state
    return socket, state


def run(visitor: Visitor, socket: Socket, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Run a WebSocket, and do something once it is accepted."""

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(socket.run)
            await socket.is_accepted.wait()
            await meanwhile()

    assert isinstance(visitor.site.adapter, AsgiAdapter)
    visitor.site.adapter.portal.call(both)


def signed_in(site: Visited) -> Visitor:
    """Return somebody who is signed in."""
    visitor = site.visitor()
    visitor.log_in()
    visitor.site.app.instead = None  # type: ignore[attr-defined]
    return visitor


def other_machine(visitor: Visitor) -> FotoWebASGIMiddleware:
    """Return a second middleware over the same store."""
    site = visitor.site
    assert isinstance(site, Visited)
    return FotoWebASGIMiddleware(
        site.app.serve_asgi, site.settings, store=site.store, transport=site.transport, clock=site.wall,
        monotonic=site.clock,
    )  # fmt: skip


async def log_out(visitor: Visitor, app: Any) -> None:
    """Sign somebody out at a middleware, from within the event loop."""
    adapter = visitor.site.adapter
    assert isinstance(adapter, AsgiAdapter)
    scope = adapter.scope("http", "POST", "/oauth2/logout", [*FETCH.items(), *visitor.jar.header("/oauth2/logout")])
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] in {200, 302}
