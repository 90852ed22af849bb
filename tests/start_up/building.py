"""A trial for ``test_imports``, in a fresh process; this module imports nothing that it looks for."""

from __future__ import annotations

import json
import sys
from typing import Any

import fotoweb_middleware

__all__ = ["built", "tell_imports_of_building"]


def app_of(kind: str) -> Any:
    """Return a bare app of a kind."""

    def wsgi(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"the app"]

    async def asgi(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the app"})

    return wsgi if kind == "wsgi" else asgi


def built(kind: str, cache: str, url: str = "https://fotoweb.test", **options: Any) -> Any:
    """Wrap an app."""
    key = "ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq"
    settings = fotoweb_middleware.Settings(
        url=url, client_id="c", client_secret="s3cr3t" * 4, secret_key=key, cache=cache
    )
    door = getattr(fotoweb_middleware, f"FotoWeb{kind.upper()}Middleware")
    return door(app_of(kind), settings, **options)


def tell_imports_of_building(kind: str, cache: str) -> None:
    """Print which modules are there once an app is wrapped."""
    built(kind, cache)
    print(json.dumps(sorted(sys.modules)))  # noqa: T201 (the test reads it)
