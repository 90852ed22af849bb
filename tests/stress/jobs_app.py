"""An app that gives tickets, for jobs in other processes."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from fotoweb_middleware import require_session

__all__ = ["app"]


async def ticket(request: Request) -> PlainTextResponse:
    """Give the user's ticket."""
    return PlainTextResponse(require_session(request).ticket())


app = Starlette(routes=[Route("/ticket", ticket)])
