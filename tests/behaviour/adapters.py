"""Both middlewares behind one face, with an app behind them that tells what reached it. No socket."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit
from wsgiref.validate import validator

import anyio.from_thread

from fotoweb_middleware import get_session

APP = "https://app.test"


@dataclass(frozen=True, slots=True)
class Reply:
    """One response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value, None where it is absent."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        location = self.header("Location")
        assert location is not None, (self.status, self.body[:300])
        return location

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def seen(self) -> dict[str, Any]:
        """What the echo app saw."""
        assert self.status == 200, (self.status, self.body[:300])
        content: dict[str, Any] = json.loads(self.body)
        return content


def cookies_seen(header: str | None) -> dict[str, Any]:
    """Return the app's Cookie header without the middleware's tag, which stands last, and the tag's value."""
    rest, name, tag = (header or "").rpartition("fotoweb-tag=")
    return {"cookie": (rest.removesuffix("; ") if name else header) or None, "tag": tag if name else None}


KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"})
"""The validator warns of others, which real servers let through."""


@dataclass
class EchoApp:
    """An app that tells what reached it; counts its calls."""

    calls: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    """What it adds to its responses."""

    instead: Any = None
    """Another app that answers in its place, ASGI or WSGI as the case may be."""

    def serve_wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a WSGI server, under the eyes of the standard library's validator."""
        watched = validator(self.wsgi) if environ["REQUEST_METHOD"] in KNOWN_METHODS else self.wsgi
        return (self.instead or watched)(environ, start_response)

    async def serve_asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer an ASGI server."""
        await (self.instead or self.asgi)(scope, receive, send)

    def tell(self, **seen: Any) -> bytes:
        """Count the call and write down what was seen."""
        self.calls += 1
        return json.dumps(seen).encode()

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Answer as a WSGI app."""
        session = get_session(environ)
        body = self.tell(
            authorization=environ.get("HTTP_AUTHORIZATION"),
            **cookies_seen(environ.get("HTTP_COOKIE")),
            forwarded_user=environ.get("HTTP_X_FORWARDED_USER"),
            path=environ["PATH_INFO"],
            token=session.access_token if session else None,
            user=session.user.user_name if session and session.user else None,
            expires_at=session.expires_at if session else None,
            remote_user=environ.get("REMOTE_USER"),
            has_key="fotoweb.session" in environ,
        )
        start_response("200 OK", [("Content-Type", "application/json"), *self.headers])
        return [body]

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as an ASGI 3 app."""
        session = get_session(scope)
        headers = dict(scope["headers"])
        authorization, cookie = headers.get(b"authorization"), headers.get(b"cookie")
        body = self.tell(
            authorization=authorization.decode() if authorization else None,
            **cookies_seen(cookie.decode("latin-1") if cookie else None),
            forwarded_user=headers.get(b"x-forwarded-user", b"").decode() or None,
            path=scope["path"],
            token=session.access_token if session else None,
            user=session.user.user_name if session and session.user else None,
            expires_at=session.expires_at if session else None,
            remote_user=session.user.user_name if session and session.user else None,
            has_key="fotoweb.session" in scope,
            times=sum(name == b"authorization" for name, _ in scope["headers"]),
        )
        start_headers = [(b"content-type", b"application/json")]
        start_headers += [(name.lower().encode(), value.encode()) for name, value in self.headers]
        await send({"type": "http.response.start", "status": 200, "headers": start_headers})
        await send({"type": "http.response.body", "body": body})


class Adapter(Protocol):
    """One of the two middlewares, with the middleware and the echo app behind it."""

    def request(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> Reply:
        """Send one request and return the response."""


@dataclass(frozen=True)
class WsgiAdapter:
    """The WSGI middleware, with the standard library's validator on both sides of the middleware."""

    app: Any
    mount: str = ""
    origin: str = APP

    def request(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> Reply:
        """Send one request and return the response."""
        environ = self.environ(method, target, headers, body)
        started: list[Any] = []

        def start_response(status: str, response_headers: Any, exc_info: Any = None) -> Any:
            started[:] = [status, response_headers]
            return lambda _data: None

        # The validator refuses what real servers let through: other methods, and targets that are no path.
        is_plain = method in KNOWN_METHODS and target[:1] == "/"
        app = validator(self.app) if is_plain else self.app
        result = app(environ, start_response)
        try:
            content = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        return Reply(int(started[0].split()[0]), tuple(started[1]), content)

    def environ(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
        """Return the environ of a request."""
        path, _, query = target.partition("?")
        split = urlsplit(self.origin)
        decoded = unquote_to_bytes(path).decode("latin-1")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": self.mount,
            "PATH_INFO": decoded.removeprefix(self.mount) if self.mount else decoded,
            "QUERY_STRING": query,
            "SERVER_NAME": split.hostname,
            "SERVER_PORT": str(split.port or {"https": 443, "http": 80}[split.scheme]),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": split.netloc,
            "RAW_URI": target,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": split.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            joiner = "; " if key == "HTTP_COOKIE" else ", "
            environ[key] = f"{environ[key]}{joiner}{value}" if key in environ and key != "HTTP_HOST" else value
        return environ


@dataclass(frozen=True)
class AsgiAdapter:
    """The ASGI middleware on an event loop in a thread of its own."""

    app: Any
    portal: anyio.from_thread.BlockingPortal
    mount: str = ""
    origin: str = APP

    def request(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> Reply:
        """Send one request and return the response."""
        return self.portal.call(self._request, method, target, headers, body)

    async def _request(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        messages: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(self.scope("http", method, target, headers), receive, send)
        content = b"".join(message.get("body", b"") for message in messages[1:])
        response_headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in messages[0]["headers"]
        )
        return Reply(messages[0]["status"], response_headers, content)

    def scope(self, kind: str, method: str, target: str, headers: list[tuple[str, str]]) -> dict[str, Any]:
        """Return the scope of a request."""
        path, _, query = target.partition("?")
        split = urlsplit(self.origin)
        pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        if not any(name == b"host" for name, _ in pairs):
            pairs.insert(0, (b"host", split.netloc.encode()))
        scope = {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": split.scheme,
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": self.mount,
            "headers": pairs,
            "server": (split.hostname, split.port or 443),
            "client": ("192.0.2.7", 50000),
            "extensions": {},
        }
        return (
            {**scope, "method": method}
            if kind == "http"
            else {**scope, "scheme": {"https": "wss"}.get(split.scheme, "ws")}
        )
