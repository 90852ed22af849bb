"""The middleware stands aside: the app's failures reach the server, and its bodies are closed (R-RC6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.behaviour.kit import FETCH, AsgiAdapter, Visited, Visitor, WsgiAdapter

STALE_SECONDS = 28_780
"""A token of 28,800 s is refreshed after the answer then."""


class AppFailed(Exception):
    """What the app raises."""


def fail_before(site: Visited) -> None:
    """Put an app there that fails before it answers."""

    def wsgi(_environ: Any, _start_response: Any) -> Any:
        raise AppFailed

    async def asgi(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AppFailed

    site.app.instead = asgi if isinstance(site.adapter, AsgiAdapter) else wsgi


def fail_after(site: Visited) -> None:
    """Put an app there that fails in the middle of its answer."""

    def wsgi(_environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"half"
        raise AppFailed

    async def asgi(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise AppFailed

    site.app.instead = asgi if isinstance(site.adapter, AsgiAdapter) else wsgi


@pytest.mark.parametrize("age_seconds", [0, STALE_SECONDS], ids=["fresh", "stale"])
@pytest.mark.parametrize("put", [fail_before, fail_after])
def test_failure_reaches_the_server(site: Visited, member: Visitor, put: Any, age_seconds: int) -> None:
    """What the app raises, the server gets: whether before or after the answer began."""
    put(site)
    site.clock.advance(age_seconds)
    headers = [*FETCH.items(), *member.jar.header("/")]

    with pytest.raises(AppFailed):
        ask(site.adapter, site.middleware, headers)


def ask(adapter: Any, middleware: Any, headers: list[tuple[str, str]]) -> None:
    """Send one request; past the WSGI validator, which would complain of the failure itself."""
    if isinstance(adapter, WsgiAdapter):
        b"".join(middleware(adapter.environ("GET", "/", headers, b""), lambda *_: None))
    else:
        adapter.request("GET", "/", headers)


class Body:
    """A WSGI body that counts how often it is closed."""

    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        """Give two pieces."""
        yield b"one"
        yield b"two"

    def close(self) -> None:
        """Count."""
        self.closed += 1


@pytest.mark.parametrize("pieces", [0, 1, 2], ids=["unread", "half", "whole"])
@pytest.mark.parametrize("age_seconds", [0, STALE_SECONDS], ids=["fresh", "stale"])
def test_body_is_closed_once(site: Visited, member: Visitor, age_seconds: int, pieces: int) -> None:
    """However much of it a client took, the app's body is closed once, and the refresh follows where one is due."""
    if not isinstance(site.adapter, WsgiAdapter):
        return  # ASGI knows no such thing.
    body = Body()

    def app(_environ: Any, start_response: Any) -> Body:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body

    site.app.instead = app
    site.clock.advance(age_seconds)
    environ = site.adapter.environ("GET", "/", [*FETCH.items(), *member.jar.header("/")], b"")

    result = site.middleware(environ, lambda *_: None)
    taken = [piece for _, piece in zip(range(pieces), result, strict=False)]
    result.close()

    assert taken == [b"one", b"two"][:pieces]
    assert body.closed == 1
    assert site.refreshes == (1 if age_seconds else 0)
