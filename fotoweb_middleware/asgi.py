"""The ASGI door: scope to RequestView, Decision to what the app or the server gets. It decides nothing."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, assert_never

from asgiref.compatibility import guarantee_single_callable

from fotoweb_middleware.asgi_messages import Headers, answer, sender_for
from fotoweb_middleware.caches.forks import keep_over_forks
from fotoweb_middleware.caches.opening import open_async_cache, peek_of
from fotoweb_middleware.caches.protocol import AsyncCache
from fotoweb_middleware.cookies.header import CookieNames
from fotoweb_middleware.current import SESSION_KEY
from fotoweb_middleware.drivers.awaiting import AwaitingDriver
from fotoweb_middleware.drivers.later import LaterGate
from fotoweb_middleware.effects import Flow
from fotoweb_middleware.model import HEADERS_READ, Admit, Answer, PassThrough, RequestView
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.site import open_site
from fotoweb_middleware.site.journal import journal_answer
from fotoweb_middleware.stages.shortcut import LONGEST_OPEN_PATH, LONGEST_RAW_PATH, UNKNOWN, Shortcut

if TYPE_CHECKING:
    import httpx

__all__ = ["FotoWebASGIMiddleware"]

LOGGER = logging.getLogger("fotoweb_middleware")
WANTED = {name.encode("ascii"): name for name in HEADERS_READ}
HTTP_SCHEMES = {"ws": "http", "wss": "https"}

Scope = Any  # asgiref's scopes are TypedDicts that know no extension keys such as ours
Receive = Any
Send = Any


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
        server_cache = cache if cache is not None else open_async_cache(settings, clock=clock, monotonic=monotonic)
        site = open_site(
            settings,
            clock=clock,
            monotonic=monotonic,
            entropy=entropy,
            shared_cache=server_cache.shared,
            peek=peek_of(server_cache),
            owns_cache=cache is None,
        )
        self._app: Callable[..., Any] = guarantee_single_callable(app)  # type: ignore[no-untyped-call]
        keep_over_forks(site.near)  # Decisions know no processes, so the doors see to it.
        self._gate = LaterGate(site)
        self._driver = AwaitingDriver(settings, server_cache, transport)
        self._arrivals = self._driver.arrivals
        self._shortcut = Shortcut(site, self._arrivals.has_room)
        self._has_open_paths, self._opened = self._shortcut.has_open_paths, self._shortcut.opened
        self._inject_header = settings.inject_header
        self._withheld = frozenset({b"cookie", b"authorization"} if settings.inject_header else {b"cookie"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; ``lifespan`` and types we do not know reach the app untouched."""
        if scope["type"] != "http":
            await self._serve_other(scope, receive, send)
            return
        if (
            self._has_open_paths
            and (self._opened.get(scope["path"], UNKNOWN) == scope.get("raw_path") or self._finds_open(scope))
            and not scope.get("root_path")
            and SESSION_KEY not in scope
        ):
            withheld = self._withheld
            for header in scope["headers"]:
                if header[0] in withheld:
                    break
            else:  # An open path, and nothing that the app must not see.
                await self._app(scope, receive, send)
                return
            header = None  # It holds the cookie: see below.
        inner = None
        if not (self._arrivals.is_full and self._is_new_here(scope)):  # Else it only gets in line.
            inner = self._at_once(scope)
        if inner is None and not self._arrivals.has_room():
            await self._driver.arrive()  # A crowd that comes in one moment would hold up everybody else.
            inner = self._at_once(scope)
        if inner is None:
            await self._ask_the_gate(scope, receive, send)
            return
        try:
            await self._app(inner, receive, send)
        finally:
            del inner  # It holds the token, and error reporters send a frame's local variables along.

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            if not self._arrivals.has_room():
                await self._driver.arrive()
            await self._ask_the_gate(scope, receive, send)
            return
        if scope["type"] == "lifespan":
            await self._driver.prepare()  # So that the first login need not wait for it.
        await self._app(scope, receive, send)

    async def _ask_the_gate(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = view_of(scope)
        gate = self._gate.load()
        decision = gate.decide_now(request)
        if decision is None:
            decision = await self._driver.run(gate.decide(request))
        match decision:
            case Answer():
                journal_answer(request, decision)
                await answer(decision, scope, receive, send)
                if not self._driver.is_prepared:  # Where no lifespan came: while the person is at FotoWeb.
                    await self._driver.prepare()
            case PassThrough() | Admit():
                await self._app(self._scope_for(scope, decision), receive, sender_for(decision, send))
                if isinstance(decision, Admit) and decision.renew_session_id is not None:
                    await self._renew(gate.renew_later(decision.renew_session_id))
            case _:
                assert_never(decision)

    def _finds_open(self, scope: Scope) -> bool:
        """Return whether a path is open to strangers; the next time it is found in ``Shortcut.opened``."""
        path, raw_path = scope["path"], scope.get("raw_path")
        is_short = len(path) <= LONGEST_OPEN_PATH and len(raw_path or b"") <= LONGEST_RAW_PATH
        return is_short and self._shortcut.is_open(path, raw_path)

    def _is_new_here(self, scope: Scope) -> bool:
        """Return True only where ``_at_once`` would find nothing: a glance, since a thousand may come in one turn."""
        for header in scope["headers"]:
            if header[0] == b"cookie":
                return self._shortcut.is_new(header[1])
        return True

    def _at_once(self, scope: Scope) -> Scope | None:
        """Return the scope as the app sees it where the shortcut knows what that is, else None."""
        cookie: bytes | None = None
        headers: Headers = []
        for header in scope["headers"]:
            if header[0] not in self._withheld:
                headers.append(header)
            elif header[0] == b"cookie":
                if cookie is not None:
                    return None
                cookie = header[1]
        if cookie is None:
            return None
        path, raw_path, mount = scope["path"], scope.get("raw_path"), scope.get("root_path")
        passage = self._shortcut.find(
            scope["method"],
            mount,
            path_within(mount.rstrip("/"), path) if mount else path,
            raw_path.decode("latin-1") if raw_path else None,
            cookie.decode("latin-1"),
            self._names_for(scope),
        )
        if passage is None:
            return None
        version, rest = passage
        if rest is not None:
            headers.append((b"cookie", rest.encode("latin-1")))
        if self._inject_header:
            if version.bearer_pair is None:
                version.bearer_pair = (b"authorization", f"Bearer {version.session.access_token}".encode("ascii"))
            headers.append(version.bearer_pair)
        return {**scope, "headers": headers, SESSION_KEY: version.session}

    def _names_for(self, scope: Scope) -> CookieNames:
        shortcut = self._shortcut
        if scope.get("scheme") == "https":
            return shortcut.https_names
        return shortcut.names or shortcut.names_for(scope.get("scheme") or "http", host_of(scope["headers"]))

    def _scope_for(self, scope: Scope, decision: Admit | PassThrough) -> Scope:
        """Return the scope as the app sees it after a decision: no cookie of ours, no bearer but the session's."""
        headers = [header for header in scope["headers"] if header[0] not in self._withheld]
        if decision.cookie_header is not None:
            headers.append((b"cookie", decision.cookie_header.encode("latin-1")))
        inner = {**scope, "headers": headers}
        if isinstance(decision, PassThrough):
            inner.pop(SESSION_KEY, None)
            return inner
        inner[SESSION_KEY] = decision.session
        if self._inject_header:
            headers.append((b"authorization", f"Bearer {decision.session.access_token}".encode("ascii")))
        return inner

    async def _renew(self, renewal: Flow[None]) -> None:
        try:  # No session's id stands in this frame, whose local variables error reporters send along.
            await self._driver.run(renewal)
        except Exception:
            LOGGER.exception("the refresh after the answer failed; the next request tries again")


def view_of(scope: Scope) -> RequestView:
    """Return what decisions may know of a request (ASGI "HTTP & WebSocket" 2.5)."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        wanted = WANTED.get(name)
        if wanted is not None:
            text, glue = value.decode("latin-1"), "; " if wanted == "cookie" else ", "
            headers[wanted] = f"{headers[wanted]}{glue}{text}" if wanted in headers else text
    mount = (scope.get("root_path") or "").rstrip("/")
    raw_path, scheme = scope.get("raw_path"), scope.get("scheme") or "http"
    path = path_within(mount, scope["path"])
    return RequestView(
        method=scope.get("method", "GET"),
        path=path,
        mount=mount,
        raw_path=raw_path.decode("latin-1") if raw_path else None,
        query=(scope.get("query_string") or b"").decode("latin-1"),
        scheme=HTTP_SCHEMES.get(scheme, scheme),
        headers=headers,
        is_websocket=scope["type"] == "websocket",
        # Hypercorn's path lacks the mount; Litestar cuts it off at the first place where it stands, wherever that is.
        has_stray_mount=bool(mount) and path == scope["path"] and mount in path,
    )


def path_within(mount: str, path: str) -> str:
    """Return a path without the mount that it begins with."""
    return path[len(mount) :] if mount and (path == mount or path.startswith(f"{mount}/")) else path


def host_of(headers: Headers) -> str:
    """Return the Host header; of several all, which is no host."""
    return ", ".join(value.decode("latin-1") for name, value in headers if name == b"host")
