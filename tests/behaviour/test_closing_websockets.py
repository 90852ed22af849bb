"""An accepted WebSocket is closed with 4401 when its session ends, wherever it ends; nothing else closes it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest

from fotoweb_middleware import SessionEnded, require_session
from fotoweb_middleware.cli import sessions
from fotoweb_middleware.testing import FakeClock
from tests.behaviour.kit import AsgiAdapter, Opening, Visited
from tests.behaviour.sockets import RECHECK_SECONDS, RunningClock, log_out, opened, other_machine, run, signed_in
from tests.behaviour.watched import WatchedStore
from tests.cli.samples import run as run_command

CLOSED = {"type": "websocket.close", "code": 4401, "reason": ""}
DISCONNECT = {"type": "websocket.disconnect", "code": 4401, "reason": ""}

OpenSite = Callable[..., Visited]


@pytest.fixture(params=["asyncio", "trio"])
def portal(request: pytest.FixtureRequest) -> Any:
    """Run an event loop of each kind."""
    with anyio.from_thread.start_blocking_portal(request.param) as portal:
        yield portal


@pytest.fixture
def open_site(mode: str, portal: anyio.from_thread.BlockingPortal) -> OpenSite:
    """Return a function that opens a site whose sessions are checked again after 20 ms."""

    def open_with(**changes: Any) -> Visited:
        shared = changes.pop("shared", True)
        settings = {"cache_recheck": RECHECK_SECONDS, **changes}
        return Opening("asgi", portal, mode, changes=settings, shared=shared, clock=RunningClock()).open()

    return open_with


def test_logout_on_another_machine(open_site: OpenSite) -> None:
    """A logout elsewhere closes the WebSocket, and the app receives a disconnect with the same code."""
    visitor = signed_in(open_site())
    socket, state = opened(visitor)

    run(visitor, socket, lambda: log_out(visitor, other_machine(visitor)))

    assert socket.sent[-1] == CLOSED
    assert state["end"] == DISCONNECT


def test_revoked_by_the_command(open_site: OpenSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does `fotoweb-middleware sessions`, which knows no more of the app than its settings and its store."""
    visitor = signed_in(site := open_site())
    socket, state = opened(visitor)
    monkeypatch.setattr(sessions, "time", SimpleNamespace(time=site.wall, monotonic=site.clock))
    monkeypatch.setitem(sys.modules, "made_in_code", site)
    code = ("--app", "made_in_code:settings", "--store", "made_in_code:store")

    async def revoke() -> None:
        await anyio.to_thread.run_sync(partial(run_command, "sessions", "revoke", "--user", "alice", *code))

    run(visitor, socket, revoke)

    assert socket.sent[-1] == CLOSED
    assert state["end"] == DISCONNECT
    assert visitor.get("/").status == 401


def test_logout_here(open_site: OpenSite) -> None:
    """So does a logout in the same process."""
    visitor = signed_in(open_site())
    socket, state = opened(visitor)

    run(visitor, socket, lambda: log_out(visitor, visitor.site.middleware))

    assert socket.sent[-1] == CLOSED
    assert state["end"] == DISCONNECT


def test_send_after_the_end(open_site: OpenSite) -> None:
    """An app that only sends gets ``OSError`` from then on, as after a browser that left (ASGI 2.4)."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await anyio.sleep(0.001)
                await send({"type": "websocket.send", "text": "tick"})
        except OSError as error:
            scope["state"]["error"] = error

    visitor = signed_in(open_site())
    socket, state = opened(visitor, app)

    run(visitor, socket, lambda: log_out(visitor, other_machine(visitor)))

    assert CLOSED in socket.sent
    assert isinstance(state["error"], OSError)


@pytest.mark.parametrize("loops_over", ["receive", "send"])
def test_app_that_does_not_stop(open_site: OpenSite, loops_over: str) -> None:
    """An app that ignores the end, and asks or sends again and again, does not stop the event loop for others."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            with contextlib.suppress(OSError):
                await (receive() if loops_over == "receive" else send({"type": "websocket.send", "text": "tick"}))

    visitor = signed_in(open_site())
    socket, _ = opened(visitor, app)

    async def watch() -> None:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(socket.run)
                await socket.is_accepted.wait()
                await log_out(visitor, visitor.site.middleware)
                await socket.is_closed.wait()
                await anyio.sleep(0.02)
                tasks.cancel_scope.cancel()

    assert isinstance(visitor.site.adapter, AsgiAdapter)
    visitor.site.adapter.portal.call(watch)
    assert CLOSED in socket.sent


def test_browser_that_reads_nothing(open_site: OpenSite) -> None:
    """An app that waits in ``send``, since the browser reads nothing, gets ``OSError`` when the session ends."""
    visitor = signed_in(open_site())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await send({"type": "websocket.send", "text": "stuck"})
        except OSError as error:
            scope["state"]["error"] = error

    socket, state = opened(visitor, app)

    run(visitor, socket, lambda: log_out(visitor, visitor.site.middleware))

    assert isinstance(state["error"], OSError)


def test_error_of_send_that_the_app_lets_through(open_site: OpenSite) -> None:
    """An app that does not catch ``OSError`` of ``send`` ends without an error in the server's log."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await anyio.sleep(0.001)
            await send({"type": "websocket.send", "text": "tick"})

    visitor = signed_in(open_site())
    socket, _ = opened(visitor, app)

    run(visitor, socket, lambda: log_out(visitor, visitor.site.middleware))

    assert CLOSED in socket.sent


def test_server_that_fails_to_close(open_site: OpenSite) -> None:
    """Whatever the server raises where the browser has gone meanwhile, the app ends as it wants to."""
    visitor = signed_in(open_site())
    socket, state = opened(visitor)
    socket.error_at_close = AssertionError("as uvicorn's oldest WebSockets do")

    run(visitor, socket, lambda: log_out(visitor, visitor.site.middleware))

    assert state["end"] == DISCONNECT


def test_lifetime_closes_it(open_site: OpenSite) -> None:
    """A session that is past its lifetime closes its WebSocket."""
    visitor = signed_in(open_site())
    socket, state = opened(visitor)

    async def turn_the_clock() -> None:
        visitor.site.clock.advance(43_200)

    run(visitor, socket, turn_the_clock)

    assert state["end"] == DISCONNECT


def test_idle_limit_closes_it(open_site: OpenSite) -> None:
    """An open WebSocket alone is no use of the session."""
    visitor = signed_in(open_site(session_idle=600))
    socket, state = opened(visitor)

    async def turn_the_clock() -> None:
        visitor.site.clock.advance(601)

    run(visitor, socket, turn_the_clock)

    assert state["end"] == DISCONNECT


def test_expired_token_and_outage_close_nothing(open_site: OpenSite) -> None:
    """Neither a token's expiry, nor a store or FotoWeb out of reach, ends a WebSocket; FotoWeb is never asked."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await scope["state"]["checked"].wait()

    site = open_site(session_lifetime=10**6)
    visitor = signed_in(site)
    socket, state = opened(visitor, app)
    asked = len(site.fake.requests)

    async def age_and_break() -> None:
        site.clock.advance(10_000)
        await checks(site.store, 3)
        site.store.is_down = True
        await checks(site.store, 3)
        state["checked"].set()

    async def watch() -> None:
        state["checked"] = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(socket.run)
            await socket.is_accepted.wait()
            await age_and_break()

    assert isinstance(site.adapter, AsgiAdapter)
    site.adapter.portal.call(watch)

    assert [message["type"] for message in socket.sent] == ["websocket.accept"]
    assert len(site.fake.requests) == asked


async def checks(store: WatchedStore, count: int) -> None:
    """Wait until the store was asked so many times more."""
    times = store.calls.count("load") + count
    assert await anyio.to_thread.run_sync(partial(store.wait_for, "load", times=times))


def test_left_to_the_app(open_site: OpenSite) -> None:
    """With ``FOTOWEB_CLOSE_WEBSOCKETS=false`` an app keeps its WebSocket, and ``afresh_token`` raises."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await log_out(visitor, visitor.site.middleware)
        await send({"type": "websocket.send", "text": "still here"})
        with pytest.raises(SessionEnded):
            await require_session(scope).afresh_token()
        scope["state"]["is_over"] = True

    visitor = signed_in(open_site(close_websockets=False))
    socket, state = opened(visitor, app)

    async def nothing() -> None:
        pass

    run(visitor, socket, nothing)

    assert socket.sent[-1] == {"type": "websocket.send", "text": "still here"}
    assert state["is_over"]


@pytest.mark.parametrize("kind", [ValueError, OSError])
def test_errors_of_the_app(open_site: OpenSite, kind: type[Exception]) -> None:
    """What the app raises comes out as it is, and no task is left."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise kind("broken")

    visitor = signed_in(open_site())
    socket, _ = opened(visitor, app)

    assert isinstance(visitor.site.adapter, AsgiAdapter)
    with pytest.raises(kind, match="broken"):
        visitor.site.adapter.portal.call(socket.run)


def test_thousand_sockets_of_a_hundred_sessions(portal: anyio.from_thread.BlockingPortal) -> None:
    """Ten WebSockets of a session cost one look-up for each recheck, and none asks FotoWeb."""
    clock = FakeClock()
    site = Opening("asgi", portal, "sealed", changes={"cache_recheck": 0.5}, shared=True, clock=clock).open()
    people = [signed_in(site) for _ in range(100)]
    sockets = [opened(person)[0] for person in people for _ in range(10)]
    asked = len(site.fake.requests)

    async def watch() -> int:
        async with anyio.create_task_group() as tasks:
            for socket in sockets:
                tasks.start_soon(socket.middleware, socket.scope, socket.receive, socket.send)
            for socket in sockets:
                await socket.is_accepted.wait()
            before = site.store.calls.count("load")
            clock.advance(0.5)
            assert await anyio.to_thread.run_sync(partial(site.store.wait_for, "load", times=before + 100))
            clock.advance(0.5)
            assert await anyio.to_thread.run_sync(partial(site.store.wait_for, "load", times=before + 200))
            tasks.cancel_scope.cancel()
        return site.store.calls.count("load") - before

    assert portal.call(watch) == 200
    assert len(site.fake.requests) == asked
