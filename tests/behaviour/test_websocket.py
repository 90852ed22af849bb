"""WebSockets: decided before they are accepted; and scope types that are none of our business."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.from_thread
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, get_session
from tests.behaviour.kit import AsgiAdapter, Opening, Visited, Visitor


@pytest.fixture
def open_site(mode: str, portal: anyio.from_thread.BlockingPortal) -> Callable[..., Visited]:
    """Open a site with the ASGI middleware alone."""

    def open_with(**changes: Any) -> Visited:
        return Opening("asgi", portal, mode, changes=changes).open()

    return open_with


@pytest.fixture
def site(open_site: Callable[..., Visited]) -> Visited:
    """Return a site whose app accepts WebSockets and tells the token as a subprotocol."""
    site = open_site()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await site.app.asgi(scope, receive, send)
            return
        session = get_session(scope)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": session.access_token if session else None})

    site.app.instead = app
    return site


def connect(visitor: Visitor, *, can_answer: bool = True, **headers: str) -> list[dict[str, Any]]:
    """Open a WebSocket and return what the server is told."""
    adapter = visitor.site.adapter
    assert isinstance(adapter, AsgiAdapter)
    scope = adapter.scope("websocket", "GET", "/ws", [*headers.items(), *visitor.jar.header("/ws")])
    if can_answer:
        scope["extensions"] = {"websocket.http.response": {}}
    messages: list[dict[str, Any]] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        messages.append(message)

    adapter.portal.call(visitor.site.middleware, scope, receive, send)
    return messages


def test_with_a_session(site: Visited) -> None:
    """The app accepts, with the token in its scope."""
    visitor = site.visitor()
    visitor.log_in()

    (accept,) = connect(visitor)

    assert accept["type"] == "websocket.accept"
    assert accept["subprotocol"] == visitor.get("/").seen["token"]


def test_without_a_session(site: Visited) -> None:
    """Refused before accept: 401 where the server can say it, else close code 4401."""
    start, body = connect(site.visitor())

    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert body["type"] == "websocket.http.response.body"
    assert connect(site.visitor(), can_answer=False) == [{"type": "websocket.close", "code": 4401, "reason": ""}]


def test_from_another_origin(site: Visited) -> None:
    """With a session but another origin: 403, or close code 4403."""
    visitor = site.visitor()
    visitor.log_in()

    assert connect(visitor, Origin="https://evil.test")[0]["status"] == 403
    assert connect(visitor, can_answer=False, Origin="https://evil.test")[0]["code"] == 4403
    assert connect(visitor, Origin="https://app.test")[0]["type"] == "websocket.accept"


def test_expired_token_is_refreshed_before_accept(site: Visited) -> None:
    """The app never accepts with an expired token; the new cookie goes out with the acceptance."""
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor = site.visitor()
    visitor.log_in()
    old = visitor.get("/").seen["token"]
    site.clock.advance(301)

    (accept,) = connect(visitor)

    assert accept["subprotocol"] != old
    assert site.refreshes == 1
    sent = [name for name, _ in accept.get("headers", ())]
    assert (b"set-cookie" in sent) == (site.settings.cookie_mode == "sealed")


def test_expired_token_with_fotoweb_down(site: Visited) -> None:
    """Where the refresh fails nothing is accepted: 503, or close code 4503."""
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(301)
    site.fake.switch(reachable=False)

    assert connect(visitor)[0]["status"] == 503
    assert connect(visitor, can_answer=False)[0]["code"] == 4503


@pytest.mark.parametrize("kind", ["lifespan", "foo"])
def test_other_scopes_pass_untouched(site: Visited, kind: str) -> None:
    """``lifespan`` and unknown types reach the app as they are, and never with a token."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    site.app.instead = app
    scope = {"type": kind, "headers": [(b"cookie", b"x=1")]}
    assert isinstance(site.adapter, AsgiAdapter)

    site.adapter.portal.call(site.middleware, scope, None, None)

    assert seen == [(scope, None, None)]
    assert seen[0][0] is scope


def test_own_pages_take_no_websocket(site: Visited) -> None:
    """A WebSocket to one of our own pages is refused."""
    visitor = site.visitor()
    visitor.log_in()
    adapter = site.adapter
    assert isinstance(adapter, AsgiAdapter)
    scope = adapter.scope("websocket", "GET", "/oauth2/login", visitor.jar.header("/"))
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        messages.append(message)

    adapter.portal.call(site.middleware, scope, receive, send)

    assert messages == [{"type": "websocket.close", "code": 4404, "reason": ""}]


def test_double_callable_app(site: Visited) -> None:
    """A wrapped app may be double-callable (ASGI 2)."""
    seen: list[Any] = []

    class App:
        def __init__(self, scope: Any) -> None:
            self.scope = scope

        async def __call__(self, receive: Any, send: Any) -> None:
            seen.append(get_session(self.scope))
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    visitor = site.visitor()
    visitor.log_in()
    two = FotoWebASGIMiddleware(App, site.settings, store=site.store, clock=site.clock, monotonic=site.clock)
    assert isinstance(site.adapter, AsgiAdapter)

    reply = AsgiAdapter(two, site.adapter.portal).request("GET", "/", visitor.jar.header("/"))

    assert reply.status == 204
    assert seen[0].user.user_name == "alice"
