"""The WSGI middleware: environ to Request, outcome to what the app or the server gets.

A request whose cookies of ours are known is answered from memory; ``handler`` decides about all others.
"""

from __future__ import annotations

import http
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any, assert_never

import httpx

from fotoweb_middleware.authorization import Authorize, OnLogin
from fotoweb_middleware.context import Callbacks, Context
from fotoweb_middleware.cookies import MAX_HEADER_CHARACTERS, join_cookies, split_header
from fotoweb_middleware.events import OnEvent, RequestId, current_request_id, in_request
from fotoweb_middleware.handler import Handler
from fotoweb_middleware.log import log_response
from fotoweb_middleware.request import (
    HEADERS_READ,
    Request,
    is_always_secure,
    is_harmless_mount,
    is_loopback_host_header,
    names_by_security,
)
from fotoweb_middleware.response_headers import private_headers
from fotoweb_middleware.responses import Response, RunApp
from fotoweb_middleware.session import SESSION_KEY, Session
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.stores.base import Store
from fotoweb_middleware.urls import URLS_KEY, outer_names, urls_by_mount

__all__ = ["FotoWebWSGIMiddleware"]

WANTED = {f"HTTP_{name.upper().replace('-', '_')}": name for name in HEADERS_READ}
MAX_SLOW_WAITERS = 4
"""Servers do not tell how many threads they have, and many have no more than eight."""
PHRASES = {status.value: status.phrase for status in http.HTTPStatus}

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
HeaderList = list[tuple[str, str]]


class FotoWebWSGIMiddleware:
    """Puts a FotoWeb login in front of a WSGI app.

    Args:
        app: The app (PEP 3333).
        settings: None: read from the ``FOTOWEB_*`` variables.
        authorize: Called with the session at login, and when this process first sees it; returns whether it may enter.
        on_login: Called with the session after each login that ``authorize`` admits.
        on_event: Called with each event (``fotoweb_middleware.events``).
        store: A session store of your own, instead of the one that ``FOTOWEB_CACHE`` names.
        transport: Where calls to FotoWeb go instead of the network; for tests.
        executor: Where calls to FotoWeb run; None: a pool of 40 threads.
        clock: Epoch seconds; for tests.
        monotonic: Seconds of a clock that never jumps; for tests.
        entropy: Returns the given number of random bytes; for tests.

    Raises:
        SettingsError: A setting is missing or wrong.
        TypeError: ``authorize``, ``on_login`` or ``on_event`` is async; WSGI has no event loop.
    """

    def __init__(  # noqa: PLR0913 (most are for tests)
        self,
        app: WSGIApp,
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
        callbacks = Callbacks(authorize, on_login, on_event)
        callbacks.require_plain_functions()
        settings = settings if settings is not None else Settings()
        self._app = app
        context = Context(
            settings,
            callbacks,
            store=store,
            transport=transport,
            executor=executor,
            max_slow_waiters=MAX_SLOW_WAITERS,
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
        client_authorization = ("HTTP_AUTHORIZATION",) if settings.inject_header else ()
        self._withheld = ["REMOTE_USER", SESSION_KEY, *client_authorization]
        self._urls = urls_by_mount(settings)
        self._unmounted_urls = self._urls("")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        inner = self._known_environ(environ)
        if inner is not None:
            try:
                return self._app(inner, private_starter(start_response))
            finally:
                del inner  # It holds the token, and error reporters send a frame's local variables along.
        with in_request(RequestId(environ.get("HTTP_X_REQUEST_ID"))):
            return self._handle(environ, start_response)

    def _handle(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self._handler.note_start()
        request = request_from_environ(environ)
        outcome = self._handler.handle(request)
        match outcome:
            case Response():
                log_response(request.method, request.mount + request.path, outcome.status, outcome.reason)
                return send_response(outcome, request.method, start_response)
            case RunApp():
                return self._run_app(environ, start_response, outcome)
            case _:
                assert_never(outcome)

    def _known_environ(self, environ: Environ) -> Environ | None:
        """Return the environ as the app sees it where our cookies are known and nothing is due, else None."""
        cookie = environ.get("HTTP_COOKIE")
        if not cookie or len(cookie) > MAX_HEADER_CHARACTERS:
            return None
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or "HTTP_UPGRADE" in environ:
            return None  # Other methods, and WebSockets, are refused where another origin sends them.
        path, mount = environ.get("PATH_INFO", ""), environ.get("SCRIPT_NAME")
        raw_path = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        if (
            path[:1] != "/"
            or path.startswith(self._prefix)
            or (raw_path and raw_path[0] != "/")
            or (mount and not is_harmless_mount(mount))
            or URLS_KEY in environ  # Wrapped twice.
        ):
            return None
        is_secure = self._is_secure(environ)
        own, others = split_header(cookie, self._cookie_names[is_secure])
        known = self._session_cache.find(own, secure=is_secure)
        if known is None:
            return None
        return self._inner_environ(environ, known.for_app, join_cookies(others, known.kept_and_tag))

    def _is_secure(self, environ: Environ) -> bool:
        if self._always_secure is not None:
            return self._always_secure
        return environ.get("wsgi.url_scheme") == "https" or not is_loopback_host_header(host_of(environ))

    def _for_app(self, session: Session | None) -> Environ:
        """Return what the app's environ gets of us, but for its cookies."""
        given: Environ = {}
        if session is not None:
            given[SESSION_KEY] = session
            if session.user is not None:
                given["REMOTE_USER"] = wsgi_text(session.user.user_name)
            if self._settings.inject_header:
                given["HTTP_AUTHORIZATION"] = f"Bearer {session.access_token}"
        return given

    def _inner_environ(self, environ: Environ, for_app: Environ, cookie_header: str) -> Environ:
        """Return the environ as the app sees it: no cookie of ours, and no identity but the session's."""
        inner = environ | for_app
        if cookie_header:
            inner["HTTP_COOKIE"] = cookie_header
        else:
            inner.pop("HTTP_COOKIE", None)
        mount = environ.get("SCRIPT_NAME")
        inner[URLS_KEY] = self._urls(text_of(mount).rstrip("/")) if mount else self._unmounted_urls
        for name in self._withheld:
            if name in inner and name not in for_app:
                del inner[name]
        return inner

    def _run_app(self, environ: Environ, start_response: StartResponse, outcome: RunApp) -> Iterable[bytes]:
        if outcome.has_session or self._settings.login == "optional" or outcome.set_cookies:
            start_response = starter_with_cookies(outcome, start_response)
        inner = self._inner_environ(environ, outcome.for_app, outcome.cookie_header)
        try:
            body = self._app(inner, start_response)
        finally:
            del inner, start_response  # As in ``__call__``.
        if outcome.stale_session_id is None:
            return body
        return BodyThenRefresh(body, self._handler, outcome.stale_session_id)


class BodyThenRefresh:
    """A response body that begins a refresh once the server has sent it and closes it. Nobody waits for that."""

    def __init__(self, body: Iterable[bytes], handler: Handler, stale_session_id: str) -> None:
        self._body = body
        self._handler = handler
        self._stale_session_id = stale_session_id
        self._request_id = current_request_id()

    def __iter__(self) -> Any:
        """Hand the server the app's own iterator."""
        return iter(self._body)

    def close(self) -> None:
        """Close the app's body, then begin to refresh."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            with in_request(self._request_id):
                self._handler.refresher.start_if_stale(self._stale_session_id)


def request_from_environ(environ: Environ) -> Request:
    """Return what decisions may know of a request (PEP 3333, "environ Variables")."""
    headers = {name: environ[key] for key, name in WANTED.items() if key in environ}
    if len(headers.get("cookie", "")) > MAX_HEADER_CHARACTERS:
        del headers["cookie"]
    if "host" not in headers and (host := host_of(environ)):
        headers["host"] = host
    raw_target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    return Request(
        method=environ["REQUEST_METHOD"],
        path=text_of(environ.get("PATH_INFO", "")),
        mount=text_of(environ.get("SCRIPT_NAME", "")).rstrip("/"),
        raw_path=raw_target.partition("?")[0] if raw_target else None,
        query=environ.get("QUERY_STRING", ""),
        scheme=environ.get("wsgi.url_scheme", "http"),
        headers=headers,
        # PEP 3333 knows no WebSockets, but servers let apps take the connection over (Flask-Sock, gevent-websocket).
        is_websocket="websocket" in environ.get("HTTP_UPGRADE", "").lower(),
        outer=outer_names(environ),
    )


def host_of(environ: Environ) -> str:
    """Return the Host header, or what PEP 3333 tells to put together where none came ("URL Reconstruction")."""
    host: str | None = environ.get("HTTP_HOST")
    if host is None and "SERVER_NAME" in environ:
        return f"{environ['SERVER_NAME']}:{environ.get('SERVER_PORT', '80')}"
    return host or ""


def text_of(latin1: str) -> str:
    """Return the text of a path, whose bytes WSGI hands over as latin-1 characters."""
    return latin1 if latin1.isascii() else latin1.encode("latin-1").decode("utf-8", "surrogateescape")


def wsgi_text(text: str) -> str:
    """Return a text as it stands in an environ: its bytes in UTF-8, each as a character of latin-1 (PEP 3333)."""
    return text if text.isascii() else text.encode("utf-8").decode("latin-1")


def private_starter(start_response: StartResponse) -> StartResponse:
    """Return a ``start_response`` that keeps the app's answer, made with a session, out of shared caches."""

    def start_privately(status: str, headers: HeaderList, exc_info: Any = None) -> Any:
        names = {name.lower() for name, _ in headers}
        if "vary" in names:
            headers = private_headers(headers, has_session=True, sets_cookie=False)
        else:  # What nearly always comes: a shorter way to the same.
            private = [] if "cache-control" in names else [("Cache-Control", "private")]
            headers = [*headers, ("Vary", "Cookie"), *private]
        return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

    return start_privately


def starter_with_cookies(outcome: RunApp, start_response: StartResponse) -> StartResponse:
    """Return a ``start_response`` that does what ``private_starter`` says, and adds our cookies to the app's answer."""

    def start_with_cookies(status: str, headers: HeaderList, exc_info: Any = None) -> Any:
        error = (exc_info,) if exc_info else ()  # No variable holds a cookie of ours, should ``start_response`` fail.
        private = private_headers(headers, has_session=outcome.has_session, sets_cookie=bool(outcome.set_cookies))
        ours = (("Set-Cookie", value) for value in outcome.set_cookies)
        return start_response(status, [*private, *ours], *error)

    return start_with_cookies


def send_response(response: Response, method: str, start_response: StartResponse) -> Iterable[bytes]:
    """Send an answer of our own; the request's body is not read."""
    length = ("Content-Length", str(len(response.body)))
    start_response(f"{response.status} {PHRASES[response.status]}", [*response.headers, length])
    return [] if method == "HEAD" else [response.body]
