"""An app whose pages say nothing about caching, and each time carry another number."""

from __future__ import annotations

import secrets

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.servers.turned_clock import turn_middlewares

__all__ = ["app"]

turn_middlewares()  # Before ``wrap`` makes one.

LONG_AGO = "Thu, 01 Jan 2015 00:00:00 GMT"
"""A browser's cache keeps such a page for months by itself (RFC 9111, 4.2.2)."""


async def page(_: Request) -> HTMLResponse:
    """Show a number that is never the same."""
    return HTMLResponse(
        f"<!doctype html><title>App</title><pre>{secrets.token_hex()}</pre>", headers={"Last-Modified": LONG_AGO}
    )


app = Starlette(routes=[Route("/{name}", page)])
