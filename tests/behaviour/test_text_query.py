"""A query string that comes as text, as in the scopes of Django's ``AsyncClient``, though ASGI wants bytes."""

from __future__ import annotations

import dataclasses
from typing import Any

import anyio.from_thread

from tests.behaviour.kit import AsgiAdapter, Opening


def test_a_login_with_text_for_a_query(portal: anyio.from_thread.BlockingPortal) -> None:
    """The login page and the callback read it as they read bytes."""
    site = Opening("asgi", portal, "sealed").open()
    middleware = site.middleware

    async def with_text(scope: Any, receive: Any, send: Any) -> None:
        await middleware({**scope, "query_string": scope["query_string"].decode("ascii")}, receive, send)

    assert isinstance(site.adapter, AsgiAdapter)
    site.adapter = dataclasses.replace(site.adapter, app=with_text)
    visitor = site.visitor()
    back = visitor.approve(visitor.visit("/oauth2/login?next=%2Falbum%3Fid%3D7").location)

    assert visitor.visit(back).location == "/album?id=7"
