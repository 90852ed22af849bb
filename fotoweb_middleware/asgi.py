"""The ASGI middleware: scope to Request, outcome to what the app or the server gets.

A request whose cookies of ours are known is answered from memory, on the event loop; ``handler`` decides about all
others. What may block runs in worker threads (``event_loop``).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial
from typing import Any, assert_never

import anyio.to_thread
import httpx
from asgiref.compatibility import guarantee_single_callable

from fotoweb_middleware.authorization import Authorize, OnLogin
from fotoweb_middleware.context import Callbacks, Context
from fotoweb_middleware.cookies import MAX_HEADER_CHARACTERS, RequestCookies, join_cookies, split_header
from fotoweb_middleware.event_loop import MAX_THREADS, LoopState, loop_state
from fotoweb_middleware.events import OnEvent, RequestId, in_request
from fotoweb_middleware.handler import FirstSeen, Handler
from fotoweb_middleware.live_session import live_session_of
from fotoweb_middleware.log import log_response
from fotoweb_middleware.lookup import Found, Lookup, look_up
from fotoweb_middleware.request import (
    HEADERS_READ,
    Request,
    is_always_secure,
    is_harmless_mount,
    is_loopback_host_header,
    names_by_security,
)
from fotoweb_middleware.response_headers import private_headers
from fotoweb_middleware.responses import Outcome, Response, RunApp
from fotoweb_middleware.session import SESSION_KEY, Session
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.stores.base import Store
from fotoweb_middleware.urls import URLS_KEY, outer_names, urls_by_mount
from fotoweb_middleware.views.callback import callback
from fotoweb_middleware.views.health import ready
from fotoweb_middleware.websocket import SessionWebSocket

__all__ = ["FotoWebASGIMiddleware"]

WANTED = {name.encode("ascii"): name for name in HEADERS_READ if name != "cookie"}
HTTP_SCHEMES = {"ws": "http", "wss": "https"}

Scope = Any  # asgiref's scopes are TypedDicts that know no extension keys such as ours.
Receive = Any
Send = Any
Headers = list[tuple[bytes, bytes]]
ForApp = tuple[Headers, dict[str, Session]]
"""The request headers that the app gets of us, but for its cookies, and what its scope gets."""


class FotoWebASGIMiddleware:
    """Puts a FotoWeb login in front of an ASGI app.

    Args:
        app: The app, ASGI 3 or 2.
        settings: None: read from the ``FOTOWEB_*`` variables.
        authorize: Called with the session at login, and when this process first sees it; returns whether it may
            enter. May be async; a plain function is called in a worker thread.
        on_login: Called with the session after each login that ``authorize`` admits; async or plain, as ``authorize``.
        on_event: Called with each event (``fotoweb_middleware.events``); may be async.
        store: A session store of your own, instead of the one that ``FOTOWEB_CACHE`` names.
        transport: Where calls to FotoWeb go instead of the network; for tests.
        executor: Where calls to FotoWeb run; None: a pool of 40 threads.
        clock: Epoch seconds; for tests.
        monotonic: Seconds of a clock that never jumps; for tests.
        entropy: Returns the given number of random bytes; for tests.

    Raises:
        SettingsError: A setting is missing or wrong.
    """

    def __init__(  # noqa: PLR0913 (most are for tests)
        self,
        app: Callable[..., Any],
        settings: Settings | None = None,
        *,
        authorize: Authorize | None = None,
        on_login: OnLogin | None = None,
        on_event: OnEvent | None = None,
        store: Store | None = None,
        transport: httpx.BaseTransport | None = None,
        executor: Executor | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        settings = settings if settings is not None else Settings()
        self._app: Callable[..., Any] = guarantee_single_callable(app)  # type: ignore[no-untyped-call]
        context = Context(
            settings,
            Callbacks(authorize, on_login, on_event),
            store=store,
            transport=transport,
            executor=executor,
            max_slow_waiters=MAX_THREADS,
            clock=clock,
            monotonic=monotonic,
            entropy=entropy,
        )
        self._handler = Handler(context, self._for_app)
        self._session_cache = context.session_cache
        self._settings = settings
        self._always_secure = is_always_secure(settings)
        self._cookie_names = names_by_security(settings)
        self._prefix = settings.path_prefix
        self._withheld = frozenset({b"cookie", b"authorization"} if settings.inject_header else {b"cookie"})
        self._urls = urls_by_mount(settings)
        self._unmounted_urls = self._urls("")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; ``lifespan`` reaches the app untouched.

        Raises:
            RuntimeError: It is of a type that this middleware does not know, and has a path.
        """
        if scope["type"] == "http":
            inner = self._known_scope(scope)
            if inner is not None:
                try:
                    await self._app(inner, receive, private_sender(send))
                finally:
                    del inner  # It holds the token, and error reporters send a frame's local variables along.
                return
        elif scope["type"] != "websocket":
            if "path" in scope:
                raise RuntimeError(
                    f"FotoWebASGIMiddleware guards http and websocket connections and refuses {scope['type']!r}: the "
                    "app behind it would get requests that nobody signed in for"
                )
            self._handler.note_start()
            await self._app(scope, receive, send)
            return
        with in_request(RequestId(header_of(scope, b"x-request-id"))):
            await self._handle(scope, receive, send)
        await self._handler.context.events.deliver()  # After the answer, so that nobody waits for the app's callback.

    def _known_scope(self, scope: Scope) -> Scope | None:
        """Return the scope as the app sees it where our cookies are known and nothing is due, else None."""
        path, mount, raw_path = scope["path"], scope.get("root_path"), scope.get("raw_path")
        if mount:
            path = path_within(mount.rstrip("/"), path)
        if (
            scope["method"] not in {"GET", "HEAD"}  # Others are refused where another origin sends them.
            or path[:1] != "/"
            or path.startswith(self._prefix)
            or (raw_path and raw_path[:1] != b"/")
            or (mount and not is_harmless_mount(mount))
            or URLS_KEY in scope  # Wrapped twice.
        ):
            return None
        cookie = cookie_header_of(scope)
        if not cookie:
            return None
        is_secure = is_secure_origin(scope) if self._always_secure is None else self._always_secure
        own, others = split_header(cookie, self._cookie_names[is_secure])
        known = self._session_cache.find(own, secure=is_secure)
        if known is None:
            return None
        return self._inner_scope(scope, known.for_app, join_cookies(others, known.kept_and_tag))

    def _for_app(self, session: Session | None) -> ForApp:
        if session is None:
            return [], {}
        authorization = (b"authorization", f"Bearer {session.access_token}".encode("ascii"))
        return [authorization] if self._settings.inject_header else [], {SESSION_KEY: session}

    def _inner_scope(self, scope: Scope, for_app: ForApp, cookie_header: str) -> Scope:
        """Return the scope as the app sees it: no cookie of ours, and no identity but the session's."""
        withheld = self._withheld
        given, session = for_app
        # A list of its own, always: uvicorn with httptools adds a request's trailers to the scope's.
        headers = [header for header in scope["headers"] if header[0] not in withheld]
        headers += given
        if cookie_header:
            headers.append((b"cookie", cookie_header.encode("latin-1")))
        mount = scope.get("root_path")
        urls = self._urls(mount.rstrip("/")) if mount else self._unmounted_urls
        inner = {**scope, "headers": headers, URLS_KEY: urls, **session}
        if not session:
            inner.pop(SESSION_KEY, None)
        return inner

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._handler.note_start()
        request = request_from_scope(scope)
        cookies = self._handler.read_cookies(request)
        outcome = self._handler.without_session(request, cookies)
        if outcome is None:
            outcome = await self._with_session(request, cookies)
        match outcome:
            case Response():
                log_response(request.method, request.mount + request.path, outcome.status, outcome.reason)
                await send_response(outcome, scope, receive, send)
            case RunApp():
                await self._run_app(scope, receive, send, outcome)
            case _:
                assert_never(outcome)

    async def _with_session(self, request: Request, cookies: RequestCookies) -> Outcome:
        """Take the steps of ``Handler.handle``: what may block in threads, all else here."""
        handler, state = self._handler, loop_state()
        if (view := handler.blocking_view(request)) is not None:
            if view is ready:  # Anybody may ask, and it is the same for all: one thread asks the store.
                key = (id(self), "ready", request.method)
                return await state.ask_store(key, partial(view, handler.context, request, cookies))
            limiter = state.fotoweb_limiter if view is callback else state.store_limiter
            return await anyio.to_thread.run_sync(view, handler.context, request, cookies, limiter=limiter)
        found: Lookup = handler.known_session(cookies) or await self._look_up(state, cookies)
        decided = handler.decide(request, cookies, found)
        if isinstance(decided, Found):
            waited = await state.wait(handler.refresher.start(decided.cached), self._settings.http_timeout)
            decided = handler.after_refresh(request, cookies, decided, waited)
        if not isinstance(decided, FirstSeen):
            return decided
        # Not in a thread that asks the store: the app's ``authorize`` may take long, or need such a thread itself.
        authorize = partial(handler.authorize, request, cookies, decided.found)
        return await anyio.to_thread.run_sync(authorize, limiter=state.fotoweb_limiter)

    async def _look_up(self, state: LoopState, cookies: RequestCookies) -> Lookup:
        """Find a session; of all requests with the same session cookie at the same time one asks."""
        key = (id(self), cookies.names.session, cookies.session_value)
        return await state.ask_store(key, partial(look_up, self._handler.context, cookies))

    async def _run_app(self, scope: Scope, receive: Receive, send: Send, outcome: RunApp) -> None:
        inner = self._inner_scope(scope, outcome.for_app, outcome.cookie_header)
        stale_session_id, has_session = outcome.stale_session_id, outcome.has_session
        if has_session or self._settings.login == "optional" or outcome.set_cookies:
            send = sender_with_cookies(outcome, send)
        del outcome
        live = live_session_of(inner[SESSION_KEY]) if has_session and scope["type"] == "websocket" else None
        try:
            if live is not None and self._settings.close_websockets:
                await SessionWebSocket(live, receive, send, self._handler.context.events).run(partial(self._app, inner))
            else:
                await self._app(inner, receive, send)
        finally:
            del inner, send  # As in ``__call__``.
        refresh = None if stale_session_id is None else self._handler.refresher.start_if_stale(stale_session_id)
        if refresh is not None:
            await loop_state().wait(refresh, None)


def request_from_scope(scope: Scope) -> Request:
    """Return what decisions may know of a request (ASGI "HTTP & WebSocket" 2.5)."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        wanted = WANTED.get(name)
        if wanted is not None:
            text = value.decode("latin-1")
            headers[wanted] = f"{headers[wanted]}, {text}" if wanted in headers else text
    if cookie := cookie_header_of(scope):
        headers["cookie"] = cookie
    mount = (scope.get("root_path") or "").rstrip("/")
    raw_path, scheme = scope.get("raw_path"), scope.get("scheme") or "http"
    path = path_within(mount, scope["path"])
    query = scope.get("query_string") or b""
    return Request(
        method=scope.get("method", "GET"),
        path=path,
        mount=mount,
        raw_path=raw_path.decode("latin-1") if raw_path else None,
        query=query if isinstance(query, str) else query.decode("latin-1"),  # Text: Django's AsyncClient.
        scheme=HTTP_SCHEMES.get(scheme, scheme),
        headers=headers,
        is_websocket=scope["type"] == "websocket",
        # Hypercorn's path lacks the mount; Litestar cuts it off at the first place where it stands, wherever that is.
        has_stray_mount=bool(mount) and path == scope["path"] and mount in path,
        outer=outer_names(scope),
    )


def cookie_header_of(scope: Scope) -> str:
    """Return the Cookie header, several put together (RFC 9113, 8.2.3); empty where none came or it is too long."""
    cookie = b"; ".join([value for name, value in scope["headers"] if name == b"cookie"])
    return cookie.decode("latin-1") if len(cookie) <= MAX_HEADER_CHARACTERS else ""


def is_secure_origin(scope: Scope) -> bool:
    """Return what ``request.cookie_names`` makes of a request whose settings don't tell."""
    host = b", ".join([value for name, value in scope["headers"] if name == b"host"])
    return scope.get("scheme") == "https" or not is_loopback_host_header(host.decode("latin-1"))


def header_of(scope: Scope, name: bytes) -> str | None:
    """Return a request header of an ASGI scope; the last one, where it came twice."""
    value = dict(scope["headers"]).get(name)
    return None if value is None else value.decode("latin-1")


def path_within(mount: str, path: str) -> str:
    """Return a path without the mount that it begins with."""
    return path[len(mount) :] if mount and (path == mount or path.startswith(f"{mount}/")) else path


def private_sender(send: Send) -> Send:
    """Return a ``send`` that keeps the app's answer, made with a session, out of shared caches."""

    def send_privately(message: Any) -> Any:
        if message["type"] != "http.response.start":
            return send(message)
        headers = list(message.get("headers", ()))
        names = {name.lower() for name, _ in headers}
        if b"vary" in names:
            headers = with_private_headers(headers, has_session=True, sets_cookie=False)
        else:  # What nearly always comes: a shorter way to the same.
            headers.append((b"vary", b"Cookie"))
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"private"))
        return send({**message, "headers": headers})

    return send_privately


def sender_with_cookies(outcome: RunApp, send: Send) -> Send:
    """Return a ``send`` that does what ``private_sender`` says, and adds our cookies to the app's answer."""

    async def send_with_cookies(message: Any) -> None:  # No variable holds a cookie of ours, should ``send`` fail.
        is_accept = message["type"] == "websocket.accept" and outcome.set_cookies
        if not is_accept and message["type"] != "http.response.start":
            await send(message)
            return
        headers = with_private_headers(
            message.get("headers", ()), has_session=outcome.has_session, sets_cookie=bool(outcome.set_cookies)
        )
        ours = ((b"set-cookie", value.encode("latin-1")) for value in outcome.set_cookies)
        await send({**message, "headers": [*headers, *ours]})

    return send_with_cookies


def with_private_headers(headers: Iterable[Any], *, has_session: bool, sets_cookie: bool) -> Headers:
    """Return an app's response headers as ``private_headers`` has them; wrong ones raise."""
    pairs = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in headers]
    private = private_headers(pairs, has_session=has_session, sets_cookie=sets_cookie)
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in private]


async def send_response(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer of our own; a WebSocket is refused before it is accepted."""
    is_websocket = scope["type"] == "websocket"
    if is_websocket:
        await receive()  # websocket.connect: some servers insist that it is read first.
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": response.websocket_close_code, "reason": ""})
            return
    kind = "websocket.http.response" if is_websocket else "http.response"
    await send({"type": f"{kind}.start", "status": response.status, "headers": headers_of(response)})
    body = b"" if scope.get("method") == "HEAD" else response.body
    await send({"type": f"{kind}.body", "body": body, "more_body": False})  # Quart's test client wants to be told.


def headers_of(response: Response) -> Headers:
    """Return the headers of an answer of our own, as ASGI wants them: in no variable of the frame that sends them."""
    length = ("content-length", str(len(response.body)))
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (*response.headers, length)]
