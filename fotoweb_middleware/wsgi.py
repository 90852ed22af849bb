"""The WSGI door: environ to RequestView, Decision to start_response. It decides nothing."""

from __future__ import annotations

import http
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, assert_never

import httpx

from fotoweb_middleware.caches.opening import open_cache
from fotoweb_middleware.caches.protocol import Cache
from fotoweb_middleware.current import SESSION_KEY
from fotoweb_middleware.drivers.blocking import BlockingDriver
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import HEADERS_READ, Admit, Answer, PassThrough, RequestView
from fotoweb_middleware.response_headers import cache_control_with_cookie, vary_with_cookie
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.site import open_site
from fotoweb_middleware.site.journal import journal_answer

__all__ = ["FotoWebWSGIMiddleware"]

LOGGER = logging.getLogger("fotoweb_middleware")
WANTED = tuple((f"HTTP_{name.upper().replace('-', '_')}", name) for name in sorted(HEADERS_READ))
CACHE_HEADERS = ("cache-control", "vary")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
HeaderList = list[tuple[str, str]]


class FotoWebWSGIMiddleware:
    """Puts a FotoWeb login in front of a WSGI app.

    Args:
        app: The app (PEP 3333).
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
        app: WSGIApp,
        settings: Settings | None = None,
        *,
        cache: Cache | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        settings = settings if settings is not None else Settings()
        cache = cache if cache is not None else open_cache(settings, monotonic=monotonic)
        site = open_site(settings, clock=clock, monotonic=monotonic, entropy=entropy, shared_cache=cache.shared)
        self._app = app
        self._gate = Gate(site)
        self._driver = BlockingDriver(settings, cache, transport)
        self._inject_header = settings.inject_header

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        request = view_of(environ)
        decision = self._gate.decide_now(request)
        if decision is None:
            decision = self._driver.run(self._gate.decide(request))
        match decision:
            case Answer():
                journal_answer(request, decision)
                return answer(decision, request.method, start_response)
            case PassThrough():
                return self._app(self._environ_for(environ, decision), starter_for(decision, start_response))
            case Admit():
                body = self._app(self._environ_for(environ, decision), starter_for(decision, start_response))
                if decision.renew_session_id is None:
                    return body
                session_id = decision.renew_session_id
                return then(body, lambda: self._renew(session_id))
            case _:
                assert_never(decision)

    def _environ_for(self, environ: Environ, decision: Admit | PassThrough) -> Environ:
        """Return the environ as the app sees it: no cookie of ours, and nobody's identity but the session's."""
        inner = dict(environ)
        inner.pop(SESSION_KEY, None)
        inner.pop("REMOTE_USER", None)
        if self._inject_header:
            inner.pop("HTTP_AUTHORIZATION", None)
        if decision.cookie_header is None:
            inner.pop("HTTP_COOKIE", None)
        else:
            inner["HTTP_COOKIE"] = decision.cookie_header
        if isinstance(decision, Admit):
            session = decision.session
            inner[SESSION_KEY] = session
            if session.user is not None:
                inner["REMOTE_USER"] = session.user.user_name.encode("utf-8").decode("latin-1")
            if self._inject_header:
                inner["HTTP_AUTHORIZATION"] = f"Bearer {session.access_token}"
        return inner

    def _renew(self, session_id: str) -> None:
        try:
            self._driver.run(self._gate.renew_later(session_id))
        except Exception:
            LOGGER.exception("the refresh after the answer failed; the next request tries again")


def view_of(environ: Environ) -> RequestView:
    """Return what decisions may know of a request (PEP 3333, "environ Variables")."""
    headers = {name: environ[key] for key, name in WANTED if key in environ}
    if "host" not in headers and "SERVER_NAME" in environ:
        headers["host"] = f"{environ['SERVER_NAME']}:{environ.get('SERVER_PORT', '80')}"
    raw_target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    return RequestView(
        method=environ["REQUEST_METHOD"],
        path=text_of(environ.get("PATH_INFO", "")),
        mount=text_of(environ.get("SCRIPT_NAME", "")).rstrip("/"),
        raw_path=raw_target.partition("?")[0] if raw_target else None,
        query=environ.get("QUERY_STRING", ""),
        scheme=environ.get("wsgi.url_scheme", "http"),
        headers=headers,
    )


def text_of(latin1: str) -> str:
    """Return the text of a path, which WSGI hands over as bytes in latin-1 clothes."""
    return latin1 if latin1.isascii() else latin1.encode("latin-1").decode("utf-8", "surrogateescape")


def starter_for(decision: Admit | PassThrough, start_response: StartResponse) -> StartResponse:
    """Return a ``start_response`` that adds our cookies, or the server's own where there are none."""
    if not decision.set_cookies:
        return start_response

    def start_with_cookies(status: str, headers: HeaderList, exc_info: Any = None) -> Any:
        cookies = [("Set-Cookie", value) for value in decision.set_cookies]
        all_headers = [*uncached(headers), *cookies]
        return start_response(status, all_headers, exc_info) if exc_info else start_response(status, all_headers)

    return start_with_cookies


def uncached(headers: HeaderList) -> HeaderList:
    """Return response headers that keep shared caches from storing our cookie."""
    said = {name: ", ".join(v for n, v in headers if n.lower() == name) or None for name in CACHE_HEADERS}
    kept = [pair for pair in headers if pair[0].lower() not in CACHE_HEADERS]
    cache_control = cache_control_with_cookie(said["cache-control"])
    return [*kept, ("Cache-Control", cache_control), ("Vary", vary_with_cookie(said["vary"]))]


def answer(decision: Answer, method: str, start_response: StartResponse) -> Iterable[bytes]:
    """Send an answer of our own; the request's body is not read."""
    phrase = http.HTTPStatus(decision.status).phrase
    headers = [*decision.headers, ("Content-Length", str(len(decision.body)))]
    start_response(f"{decision.status} {phrase}", headers)
    return [] if method == "HEAD" else [decision.body]


class Then:
    """A response body that does something once the server has sent it and closes it."""

    def __init__(self, body: Iterable[bytes], after: Callable[[], None]) -> None:
        self._body = body
        self._after = after

    def __iter__(self) -> Iterator[bytes]:
        """Hand the server the app's own iterator."""
        return iter(self._body)

    def close(self) -> None:
        """Close the app's body, then do it."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._after()


class ThenList(list[bytes]):
    """The same for a list, whose length servers use to tell the Content-Length."""

    def __init__(self, body: Iterable[bytes], after: Callable[[], None]) -> None:
        super().__init__(body)
        self._after = after

    def close(self) -> None:
        """Do it."""
        self._after()


def then(body: Iterable[bytes], after: Callable[[], None]) -> Iterable[bytes]:
    """Return a body that calls ``after`` when the server closes it, once everything is sent (PEP 3333)."""
    return ThenList(body, after) if type(body) in {list, tuple} else Then(body, after)
