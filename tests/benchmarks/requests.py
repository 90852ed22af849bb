"""Requests as servers hand them over, for an app that says "ok": scopes of uvicorn, environs of gunicorn."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["FETCH", "NAVIGATION", "asgi_app", "environ_of", "receive", "scope_of", "send", "start_response", "wsgi_app"]

NAVIGATION = {
    "host": "app.test",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "en-US,en;q=0.5",
    "accept-encoding": "gzip, deflate, br",
    "connection": "keep-alive",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-site": "none",
}
"""The headers of a browser that opens a page."""

FETCH = {**NAVIGATION, "accept": "application/json", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
"""The headers of a script's fetch."""

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
BODY = {"type": "http.response.body", "body": b"ok"}


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    """Answer "ok"."""
    await send({**START})
    await send(BODY)


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    """Answer "ok"."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


async def send(message: Any) -> None:
    """Send nothing."""


async def receive() -> Any:
    """Receive an empty body."""
    return {"type": "http.request", "body": b"", "more_body": False}


def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
    """Start nothing."""


def new(text: str) -> str:
    """Return the same text as a new object, whose hash nobody has computed yet."""
    return "".join((text[:-1], text[-1:]))


def scope_of(cookie: str | None, path: str = "/page", headers: dict[str, str] = NAVIGATION) -> dict[str, Any]:
    """Return the scope of a GET request; the Cookie header is an object of its own."""
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    if cookie is not None:
        pairs.append((b"cookie", new(cookie).encode("latin-1")))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": pairs,
        "client": ("192.0.2.7", 50000),
        "server": ("app.test", 443),
        "state": {},
    }


def environ_of(cookie: str | None, path: str = "/page", headers: dict[str, str] = NAVIGATION) -> dict[str, Any]:
    """Return the environ of a GET request; the Cookie header is an object of its own."""
    environ: dict[str, Any] = {
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": object,
        "wsgi.input_terminated": True,
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "https",
        "gunicorn.socket": None,
        "SERVER_SOFTWARE": "gunicorn",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "app.test",
        "SERVER_PORT": "443",
        "REQUEST_METHOD": "GET",
        "RAW_URI": path,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "192.0.2.7",
        "REMOTE_PORT": "50000",
    }
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    if cookie is not None:
        environ["HTTP_COOKIE"] = new(cookie)
    return environ
