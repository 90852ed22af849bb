"""The app gets a scope and a list of headers of its own: what a server adds to its own later does not reach the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.from_thread
import pytest

from tests.behaviour.kit import FETCH, AsgiAdapter, Opening, Visited, Visitor

FORGED = (b"authorization", b"Bearer forged")
PREFLIGHT = {"Origin": "https://friend.test", "Access-Control-Request-Method": "PUT"}


def anonymous(site: Visited) -> Visitor:
    """Return somebody without a session."""
    return site.visitor()


def member(site: Visited) -> Visitor:
    """Return somebody whose session is looked up."""
    visitor = site.visitor()
    visitor.visit(visitor.approve(visitor.visit("/oauth2/login").location))
    return visitor


def known(site: Visited) -> Visitor:
    """Return somebody whose Cookie header is known."""
    visitor = member(site)
    assert visitor.get("/").status == visitor.get("/").status == 200
    return visitor


REQUESTS: dict[str, tuple[Callable[[Visited], Visitor], str, str, dict[str, Any]]] = {
    "anonymous, public path": (anonymous, "GET", "/open", {}),
    "anonymous, optional login": (anonymous, "GET", "/", {"login": "optional"}),
    "member": (member, "GET", "/", {}),
    "member, public path": (member, "GET", "/open", {}),
    "known": (known, "GET", "/", {}),
    "known, public path": (known, "GET", "/open", {}),
    "known, other method": (known, "POST", "/", {}),
    "preflight": (known, "OPTIONS", "/", {"trusted_origins": ("https://friend.test",)}),
}


@pytest.mark.parametrize("injects", [True, False], ids=["inject", "leave alone"])
@pytest.mark.parametrize("request_of", REQUESTS)
def test_own_list(portal: anyio.from_thread.BlockingPortal, mode: str, request_of: str, injects: bool) -> None:
    """Whoever asks, and however: neither scope nor list is the server's, and the server's stay as they were."""
    come, method, target, changes = REQUESTS[request_of]
    site = Opening("asgi", portal, mode, {"public_paths": ("/open",), "inject_header": injects, **changes}).open()
    visitor, seen = come(site), []
    adapter: Any = site.adapter
    assert isinstance(adapter, AsgiAdapter)
    headers = {**FETCH, **PREFLIGHT} if method == "OPTIONS" else FETCH
    scope = adapter.scope("http", method, target, [*headers.items(), *visitor.jar.header(target)])
    before = list(scope["headers"])

    async def app(inner: Any, _receive: Any, send: Any) -> None:
        scope["headers"].append(FORGED)  # As uvicorn does with a trailer.
        seen.append(inner)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None:
        pass

    site.app.instead = app
    portal.call(site.middleware, scope, receive, send)

    (inner,) = seen
    assert inner is not scope
    assert inner["headers"] is not scope["headers"]
    assert FORGED not in inner["headers"]
    assert scope["headers"] == [*before, FORGED]
    assert "fotoweb.session" not in scope
