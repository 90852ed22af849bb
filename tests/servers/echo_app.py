"""The app behind the middleware: it tells what reached it, as JSON. ``asgi`` and ``wsgi`` answer alike.

``/stream?pacer=PORT``: ten chunks; each but the first waits for a byte from the test (see ``pacer.py``).
``/tokens?pacer=PORT``: the session's fresh token on a line, and another for each byte from the test.
``/upload?pacer=PORT``: reads the body; says so to the test once the first part of it is there.
``/form``: the field "word" of a posted form.
``/file``: a file, through ``wsgi.file_wrapper`` where there is one.
Anything else: what the app sees of the request.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import anyio

from fotoweb_middleware import Session, get_session, require_session
from tests.servers.turned_clock import turn_middlewares

__all__ = [
    "CHUNKS",
    "FILE_BYTES",
    "FIRST_PART_BYTES",
    "Upload",
    "asgi",
    "chunk",
    "digest",
    "echo_messages",
    "paced_chunks",
    "paced_chunks_async",
    "told",
    "wsgi",
]

turn_middlewares()  # Before ``wrap`` makes one.

CHUNKS = 10
FIRST_PART_BYTES = 1_000_000
FILE_BYTES = 1172 * 256
PACER_SECONDS = 8.0


def chunk(number: int) -> bytes:
    """Return one of the ten chunks."""
    return f"chunk {number}\n".encode()


def digest(body: bytes) -> str:
    """Return what ``/upload`` tells of a body."""
    return hashlib.sha256(body).hexdigest()


def file_content() -> bytes:
    """Return what ``/file`` holds."""
    return bytes(range(256)) * (FILE_BYTES // 256)


def told(session: Session | None, authorization: str | None, cookie: str | None, rest: Mapping[str, Any]) -> bytes:
    """Return the JSON of what the app saw."""
    user = session.user if session else None
    seen = {
        "token": authorization.removeprefix("Bearer ") if authorization else None,
        "session_token": session.access_token if session else None,
        "expires_at": session.expires_at if session else None,
        "user": user.user_name if user else None,
        "cookies": {name: morsel.value for name, morsel in SimpleCookie(cookie or "").items()},
        **rest,
    }
    return json.dumps(seen).encode()


def word_of(body: bytes) -> dict[str, str]:
    """Return what ``/form`` tells of a form."""
    return {"word": parse_qs(body.decode())["word"][0]}


def pacer_port(query: str) -> int:
    """Return the port at which the test waits for us; 0 where it doesn't."""
    return int(parse_qs(query).get("pacer", ["0"])[0])


class Upload:
    """What has come of a request body so far; the test is told once when the first part of it is here.

    Args:
        port: At which the test waits; 0: it doesn't.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._bytes = 0
        self._hasher = hashlib.sha256()

    def add(self, part: bytes) -> None:
        """Take the next part of it."""
        self._bytes += len(part)
        self._hasher.update(part)
        if self._port and self._bytes >= FIRST_PART_BYTES:
            # Also on an event loop: the test listens on this machine, so nothing is waited for.
            socket.create_connection(("127.0.0.1", self._port), PACER_SECONDS).close()
            self._port = 0

    def told(self) -> dict[str, int | str]:
        """Return what the app answers."""
        return {"bytes": self._bytes, "digest": self._hasher.hexdigest()}


# -------------------------------------------------------------------------------------------------------------- ASGI


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Serve the echo app to an ASGI server."""
    path = within_mount(scope)
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await echo_messages(scope, receive, send)
    elif path == "/stream":
        await stream(scope, send)
    elif path == "/tokens":
        await stream_tokens(scope, send)
    elif path == "/upload":
        await upload(scope, receive, send)
    elif path == "/form":
        await form(receive, send)
    else:
        content = file_content() if path == "/file" else told_asgi(scope)
        await start(send, b"application/json")
        await send({"type": "http.response.body", "body": content})


def within_mount(scope: Any) -> str:
    """Return the path below the mount, where there is one."""
    path: str = scope.get("path", "")  # lifespan has none.
    return path.removeprefix(scope.get("root_path") or "")


async def lifespan(receive: Any, send: Any) -> None:
    """Do what a server asks of an app that has nothing to start."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def start(send: Any, content_type: bytes) -> None:
    """Begin a response."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})


def told_asgi(scope: Any) -> bytes:
    """Return what the app saw of an ASGI request."""
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, []).append(value)
    authorization = headers.get(b"authorization", [])
    assert len(authorization) <= 1, "more than one Authorization header"
    cookie = b"; ".join(headers.get(b"cookie", []))
    rest = {
        "method": scope.get("method"),
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "http_version": scope.get("http_version"),
        "remote_user": None,
    }
    bearer = authorization[0].decode("latin-1") if authorization else None
    return told(get_session(scope), bearer, cookie.decode("latin-1"), rest)


async def stream(scope: Any, send: Any) -> None:
    """Send ten chunks, each when the test has the one before."""
    await start(send, b"text/plain")
    async for each in paced_chunks_async(pacer_port(scope["query_string"].decode())):
        await send({"type": "http.response.body", "body": each, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def stream_tokens(scope: Any, send: Any) -> None:
    """Send a token for each byte from the test, until it goes away."""
    session = require_session(scope)
    reader, writer = await asyncio.open_connection("127.0.0.1", pacer_port(scope["query_string"].decode()))
    await start(send, b"text/event-stream")
    more = True
    while more:
        token = await session.afresh_token()
        await send({"type": "http.response.body", "body": f"{token}\n".encode(), "more_body": True})
        more = bool(await asyncio.wait_for(reader.read(1), PACER_SECONDS))
    await send({"type": "http.response.body", "body": b""})
    writer.close()
    await writer.wait_closed()


async def paced_chunks_async(port: int) -> AsyncIterator[bytes]:
    """Yield ten chunks, each when the test has the one before; under asyncio and trio."""
    async with await anyio.connect_tcp("127.0.0.1", port) as pacer:
        for number in range(CHUNKS):
            if number:
                with anyio.fail_after(PACER_SECONDS):
                    await pacer.receive(1)
            yield chunk(number)


async def body_parts(receive: Any) -> AsyncIterator[bytes]:
    """Yield a request body as it comes."""
    more = True
    while more:
        message = await receive()
        assert message["type"] == "http.request", message
        more = message.get("more_body", False)
        yield message["body"]


async def upload(scope: Any, receive: Any, send: Any) -> None:
    """Read a body, and tell the test when the first part of it is here."""
    taken = Upload(pacer_port(scope["query_string"].decode()))
    async for part in body_parts(receive):
        taken.add(part)
    await answer(send, taken.told())


async def form(receive: Any, send: Any) -> None:
    """Tell the field "word" of a form."""
    await answer(send, word_of(b"".join([part async for part in body_parts(receive)])))


async def answer(send: Any, content: object) -> None:
    """Answer with JSON."""
    await start(send, b"application/json")
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})


async def echo_messages(scope: Any, receive: Any, send: Any) -> None:
    """Accept a WebSocket, tell what the app saw, and send each message back; for "token" a fresh one."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": told_asgi(scope).decode()})
    while (message := await receive())["type"] == "websocket.receive":
        is_token = message["text"] == "token"
        text = await require_session(scope).afresh_token() if is_token else f"echo {message['text']}"
        await send({"type": "websocket.send", "text": text})


# -------------------------------------------------------------------------------------------------------------- WSGI


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve the echo app to a WSGI server."""
    query, path = environ.get("QUERY_STRING", ""), environ["PATH_INFO"]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return paced_chunks(pacer_port(query))
    if path == "/tokens":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return paced_tokens(require_session(environ), pacer_port(query))
    if path == "/file":
        return wrapped_file(environ, start_response)
    if path == "/upload":
        content = take_upload(environ, pacer_port(query))
    elif path == "/form":
        content = json.dumps(word_of(b"".join(body_of(environ)))).encode()
    else:
        content = told_wsgi(environ)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


def told_wsgi(environ: dict[str, Any]) -> bytes:
    """Return what the app saw of a WSGI request."""
    rest = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ.get("QUERY_STRING", ""),
        "http_version": environ["SERVER_PROTOCOL"].removeprefix("HTTP/"),
        "remote_user": environ.get("REMOTE_USER"),
    }
    return told(get_session(environ), environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_COOKIE"), rest)


def paced_chunks(port: int) -> Iterator[bytes]:
    """Yield ten chunks, each when the test has the one before."""
    with socket.create_connection(("127.0.0.1", port), PACER_SECONDS) as pacer:
        for number in range(CHUNKS):
            if number:
                assert pacer.recv(1), "the test went away"
            yield chunk(number)


def paced_tokens(session: Session, port: int) -> Iterator[bytes]:
    """Yield a token for each byte from the test, until it goes away."""
    with socket.create_connection(("127.0.0.1", port), PACER_SECONDS) as pacer:
        more = True
        while more:
            yield f"{session.fresh_token()}\n".encode()
            more = bool(pacer.recv(1))


def body_of(environ: dict[str, Any]) -> Iterator[bytes]:
    """Yield a request body as it comes."""
    left = int(environ["CONTENT_LENGTH"])
    while left and (part := environ["wsgi.input"].read(min(65_536, left))):
        left -= len(part)
        yield part


def take_upload(environ: dict[str, Any], port: int) -> bytes:
    """Read a body, and tell the test when the first part of it is here."""
    taken = Upload(port)
    for part in body_of(environ):
        taken.add(part)
    return json.dumps(taken.told()).encode()


def wrapped_file(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Hand the server a real file, as WSGI apps do (PEP 3333, "Optional Platform-Specific File Handling")."""
    import tempfile  # noqa: PLC0415 (one path of one server needs it)

    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(FILE_BYTES))])
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the server closes it)
    file.write(file_content())
    file.seek(0)
    body: Iterable[bytes] = environ["wsgi.file_wrapper"](file, 8192)
    return body
