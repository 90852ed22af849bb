"""The middleware around an app that it is around already, and connections of types that it does not know."""

from __future__ import annotations

import logging
from typing import Any

import anyio.from_thread
import pytest

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware
from tests.behaviour.kit import NAVIGATION, SECRET_KEY, AsgiAdapter, Visited, Visitor


def wrap_again(site: Visited, **changes: Any) -> None:
    """Put a second middleware between the app and the first one."""
    settings = type(site.settings)(
        **{
            "url": "https://fotoweb.test",
            "client_id": site.fake.client.client_id,
            "client_secret": site.fake.client.client_secret,
            "secret_key": SECRET_KEY,
            "cache": "memory://",
            **changes,
        }
    )
    given: dict[str, Any] = {"transport": site.transport, "clock": site.wall, "monotonic": site.clock}
    if isinstance(site.adapter, AsgiAdapter):
        site.app.instead = FotoWebASGIMiddleware(site.app.asgi, settings, **given)
    else:
        site.app.instead = FotoWebWSGIMiddleware(site.app.wsgi, settings, **given)


@pytest.mark.parametrize(
    "changes", [{}, {"cookie_name": "inner"}, {"path_prefix": "/inner"}], ids=["same", "same prefix", "same cookie"]
)
def test_wrapped_twice(
    site: Visited, member: Visitor, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Every request gets a page that says so, and the log one line: no login without end."""
    wrap_again(site, **changes)
    with caplog.at_level(logging.WARNING):
        replies = [member.visit("/"), member.get("/"), member.send("POST", "/", NAVIGATION)]

    assert [reply.status for reply in replies] == [500, 500, 500]
    assert "twice" in replies[0].text
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["set-up warning"]
    assert "wrapped in the FotoWeb middleware twice" in caplog.text


def test_two_fotoweb_sites(site: Visited, member: Visitor) -> None:
    """With a cookie name and a prefix of its own, a second middleware is a second login."""
    wrap_again(site, cookie_name="inner", path_prefix="/inner")

    assert member.visit("/").status == 302
    assert member.get("/").status == 401


@pytest.mark.parametrize("scope_type", ["webtransport", "custom"])
def test_unknown_types_with_a_path(site: Visited, portal: anyio.from_thread.BlockingPortal, scope_type: str) -> None:
    """A connection that asks for a path, and that nobody signed in for, never reaches the app."""
    if not isinstance(site.adapter, AsgiAdapter):
        return  # WSGI knows no types.
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    site.app.instead = app
    with pytest.raises(RuntimeError, match=scope_type):
        portal.call(site.middleware, {"type": scope_type, "path": "/", "headers": []}, None, None)
    portal.call(site.middleware, {"type": "lifespan"}, None, None)

    assert seen == ["lifespan"]
