"""The ASGI door: scope to RequestView, Decision to messages. It decides nothing."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any, assert_never

import httpx
from asgiref.compatibility import guarantee_single_callable

from fotoweb_middleware.caches.opening import open_async_cache
from fotoweb_middleware.caches.protocol import AsyncCache
from fotoweb_middleware.current import SESSION_KEY
from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import HEADERS_READ, Admit, Answer, PassThrough, RequestView
from fotoweb_middleware.response_headers import cache_control_with_cookie, vary_with_cookie
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.site import open_site
from fotoweb_middleware.site.journal import journal_answer

__all__ = ["FotoWebASGIMiddleware"]

LOGGER = logging.getLogger("fotoweb_middleware")
WANTED = {name.encode("ascii"): name for name in HEADERS_READ}
HTTP_SCHEMES = {"ws": "http", "wss": "https"}
START_MESSAGES = frozenset({"http.response.start", "websocket.accept"})

Scope = Any  # asgiref's scopes are TypedDicts that know no extension keys such as ours
Receive = Any
Send = Any
Headers = list[tuple[bytes, bytes]]


class FotoWebASGIMiddleware:
    """Puts a FotoWeb login in front of an ASGI app.

    Args:
        app: The app, ASGI 3 or 2.
        settings: None reads the ``FOTOWEB_*`` variables.
        cache: A server cache to use instead of the one that ``FOTOWEB_CACHE`` names.
        transport: Where calls to FotoWeb go instead of the network; for tests.
        clock: Epoch seconds; for tests.
        monotonic: Seconds of a clock that never jumps; for tests.
        entropy: Returns as many random bytes as asked for; for tests.

    Raises:
        SettingsError: A setting is missing or wrong.
    """

    def __init__(  # noqa: PLR0913 (all but two are for tests)
        self,
        app: Callable[..., Any],
        settings: Settings | None = None,
        *,
        cache: AsyncCache | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        settings = settings if settings is not None else Settings()
        cache = cache if cache is not None else open_async_cache(settings, monotonic=monotonic)
        site = open_site(settings, clock=clock, monotonic=monotonic, entropy=entropy, shared_cache=cache.shared)
        self._app: Callable[..., Any] = guarantee_single_callable(app)  # type: ignore[no-untyped-call]
        self._gate = Gate(site)
        self._driver = AwaitingDriver(settings, cache, transport)
        self._inject_header = settings.inject_header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; ``lifespan`` and types we do not know reach the app untouched."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request = view_of(scope)
        decision = self._gate.decide_now(request)
        if decision is None:
            decision = await self._driver.run(self._gate.decide(request))
        match decision:
            case Answer():
                journal_answer(request, decision)
                await answer(decision, scope, receive, send)
            case PassThrough():
                await self._app(self._scope_for(scope, decision), receive, sender_for(decision, send))
            case Admit():
                await self._app(self._scope_for(scope, decision), receive, sender_for(decision, send))
                if decision.renew_session_id is not None:
                    await self._renew(decision.renew_session_id)
            case _:
                assert_never(decision)

    def _scope_for(self, scope: Scope, decision: Admit | PassThrough) -> Scope:
        """Return the scope as the app sees it: no cookie of ours, and nobody's bearer token but the session's."""
        dropped = {b"cookie", b"authorization"} if self._inject_header else {b"cookie"}
        headers = [header for header in scope["headers"] if header[0] not in dropped]
        if decision.cookie_header is not None:
            headers.append((b"cookie", decision.cookie_header.encode("latin-1")))
        inner = {**scope, "headers": headers}
        inner.pop(SESSION_KEY, None)
        if isinstance(decision, Admit):
            inner[SESSION_KEY] = decision.session
            if self._inject_header:
                headers.append((b"authorization", f"Bearer {decision.session.access_token}".encode("ascii")))
        return inner

    async def _renew(self, session_id: str) -> None:
        try:
            await self._driver.run(self._gate.renew_later(session_id))
        except Exception:
            LOGGER.exception("the refresh after the answer failed; the next request tries again")


def view_of(scope: Scope) -> RequestView:
    """Return what decisions may know of a request (ASGI "HTTP & WebSocket" 2.5)."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        wanted = WANTED.get(name)
        if wanted is not None:
            text = value.decode("latin-1")
            headers[wanted] = (
                text if wanted not in headers else headers[wanted] + ("; " if wanted == "cookie" else ", ") + text
            )
    mount, path = (scope.get("root_path") or "").rstrip("/"), scope["path"]
    if mount and (path == mount or path.startswith(f"{mount}/")):
        path = path[len(mount) :]
    raw_path, scheme = scope.get("raw_path"), scope.get("scheme") or "http"
    return RequestView(
        method=scope.get("method", "GET"),
        path=path,
        mount=mount,
        raw_path=raw_path.decode("latin-1") if raw_path else None,
        query=(scope.get("query_string") or b"").decode("latin-1"),
        scheme=HTTP_SCHEMES.get(scheme, scheme),
        headers=headers,
        is_websocket=scope["type"] == "websocket",
    )


def sender_for(decision: Admit | PassThrough, send: Send) -> Send:
    """Return a ``send`` that adds our cookies to the app's response, or the server's own where there are none."""
    if not decision.set_cookies:
        return send
    cookies = [(b"set-cookie", value.encode("latin-1")) for value in decision.set_cookies]

    async def send_with_cookies(message: Any) -> None:
        if message["type"] in START_MESSAGES:
            message = {**message, "headers": [*uncached(message.get("headers", ())), *cookies]}
        await send(message)

    return send_with_cookies


def uncached(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return response headers that keep shared caches from storing our cookie."""
    pairs = [(bytes(name).lower(), bytes(value)) for name, value in headers]
    said = {name: b", ".join(v for n, v in pairs if n == name).decode("latin-1") or None for name in CACHE_HEADERS}
    kept = [pair for pair in pairs if pair[0] not in CACHE_HEADERS]
    cache_control = cache_control_with_cookie(said[b"cache-control"])
    vary = vary_with_cookie(said[b"vary"])
    return [*kept, (b"cache-control", cache_control.encode("latin-1")), (b"vary", vary.encode("latin-1"))]


CACHE_HEADERS = (b"cache-control", b"vary")


async def answer(decision: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer of our own; a WebSocket is refused before it is accepted."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in decision.headers]
    headers.append((b"content-length", str(len(decision.body)).encode("ascii")))
    start = {"status": decision.status, "headers": headers}
    if scope["type"] == "http":
        body = b"" if scope["method"] == "HEAD" else decision.body
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})
        return
    await receive()  # websocket.connect: some servers insist that it is read first
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await send({"type": "websocket.http.response.start", **start})
        await send({"type": "websocket.http.response.body", "body": decision.body})
    else:
        await send({"type": "websocket.close", "code": decision.websocket_close_code, "reason": ""})
