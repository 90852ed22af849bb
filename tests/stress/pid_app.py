"""The app behind the middleware in fault tests: it tells what reached it, and which worker process served it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from fotoweb_middleware import get_session
from tests.servers.echo_app import echo_messages, start, told

__all__ = ["asgi", "post_worker_init", "ready_line", "wsgi"]


def ready_line(pid: int) -> str:
    """Return what a worker prints once it is about to serve."""
    return f"worker {pid} is ready\n"


def say_ready() -> None:
    """Tell the test that this worker is about to serve."""
    os.write(2, ready_line(os.getpid()).encode())  # One write: lines of several processes don't mix.


def post_worker_init(_worker: Any) -> None:
    """Do so under gunicorn, which takes this module as its configuration."""
    say_ready()


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a WSGI server."""
    rest = {"pid": os.getpid(), "path": environ["PATH_INFO"]}
    content = told(get_session(environ), environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_COOKIE"), rest)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Serve an ASGI server."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["type"] == "websocket":
        await echo_messages(scope, receive, send)
        return
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    rest = {"pid": os.getpid(), "path": scope["path"]}
    content = told(get_session(scope), headers.get(b"authorization"), headers.get(b"cookie"), rest)
    await start(send, b"application/json")
    await send({"type": "http.response.body", "body": content})


async def lifespan(receive: Any, send: Any) -> None:
    """Tell the test that this worker is about to serve, and wait for its end."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            say_ready()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
