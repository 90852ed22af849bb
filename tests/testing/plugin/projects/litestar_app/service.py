"""A Litestar app that wraps itself as it is imported."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Request, get

from fotoweb_middleware import FotoWebASGIMiddleware, get_session


@get("/hello")
async def hello(request: Request[Any, Any, Any]) -> str:
    """Greet the user by name."""
    session = get_session(request)
    return f"Hello, {session.user.full_name if session and session.user else 'somebody'}"


app = FotoWebASGIMiddleware(Litestar([hello]))
