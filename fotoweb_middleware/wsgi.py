"""The WSGI door: environ to RequestView, Decision to start_response. It decides nothing."""

from __future__ import annotations

import http
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, assert_never

from fotoweb_middleware.caches.forks import keep_over_forks
from fotoweb_middleware.caches.opening import open_cache, peek_of
from fotoweb_middleware.caches.protocol import Cache
from fotoweb_middleware.current import SESSION_KEY
from fotoweb_middleware.drivers.blocking import BlockingDriver
from fotoweb_middleware.effects import Flow
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import HEADERS_READ, Admit, Answer, PassThrough, RequestView
from fotoweb_middleware.response_headers import cache_control_with_cookie, vary_with_cookie
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.site import open_site
from fotoweb_middleware.site.journal import journal_answer
from fotoweb_middleware.stages.shortcut import LONGEST_OPEN_PATH, LONGEST_RAW_PATH, UNKNOWN, Shortcut

if TYPE_CHECKING:
    import httpx

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
        server_cache = cache if cache is not None else open_cache(settings, clock=clock, monotonic=monotonic)
        site = open_site(
            settings,
            clock=clock,
            monotonic=monotonic,
            entropy=entropy,
            shared_cache=server_cache.shared,
            peek=peek_of(server_cache),
            owns_cache=cache is None,
        )
        self._app = app
        keep_over_forks(site.near)  # Decisions know no processes, so the doors see to it.
        self._gate = Gate(site)  # Not later: PEP 3333 has no moment between the start and the first request.
        self._shortcut = Shortcut(site)
        self._driver = BlockingDriver(settings, server_cache, transport)
        self._inject_header = settings.inject_header
        self._forgeable = (SESSION_KEY, "REMOTE_USER", *(("HTTP_AUTHORIZATION",) if settings.inject_header else ()))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if "HTTP_COOKIE" not in environ:
            opened = self._opened(environ)
            return self._ask_the_gate(environ, start_response) if opened is None else self._app(opened, start_response)
        shortcut = self._shortcut
        is_https = environ["wsgi.url_scheme"] == "https"
        names = shortcut.https_names if is_https else shortcut.names or shortcut.names_for("http", host_of(environ))
        passage = shortcut.find(
            environ["REQUEST_METHOD"],
            environ.get("SCRIPT_NAME"),
            environ.get("PATH_INFO", ""),
            environ.get("RAW_URI") or environ.get("REQUEST_URI"),
            environ["HTTP_COOKIE"],  # In no variable of its own: error reporters know headers by their names.
            names,
        )
        if passage is None or "HTTP_UPGRADE" in environ:  # Perhaps a WebSocket, whose origin the stages check.
            return self._ask_the_gate(environ, start_response)
        version, rest = passage
        inner = environ.copy()  # What ``_environ_for`` does, in less time.
        if rest is None:
            del inner["HTTP_COOKIE"]
        else:
            inner["HTTP_COOKIE"] = rest
        inner[SESSION_KEY] = version.session
        if (user := version.session.user) is not None:
            inner["REMOTE_USER"] = user.user_name if user.user_name.isascii() else wsgi_text(user.user_name)
        elif "REMOTE_USER" in inner:
            del inner["REMOTE_USER"]
        if self._inject_header:
            if version.bearer is None:
                version.bearer = f"Bearer {version.session.access_token}"
            inner["HTTP_AUTHORIZATION"] = version.bearer
        del passage, version, rest  # As ``inner`` below, and for the same reason.
        try:
            return self._app(inner, start_response)
        finally:
            del inner  # It holds the token, and error reporters send a frame's local variables along.

    def _ask_the_gate(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = view_of(environ)
        decision = self._gate.decide_now(request)
        if decision is None:
            decision = self._driver.run(self._gate.decide(request))
        match decision:
            case Answer():
                journal_answer(request, decision)
                body = answer(decision, request.method, start_response)
                # While the person is at FotoWeb: the first login need not wait for it.
                return body if self._driver.is_prepared else then(body, self._driver.prepare)
            case PassThrough():
                return self._app(self._environ_for(environ, decision), starter_for(decision, start_response))
            case Admit():
                body = self._app(self._environ_for(environ, decision), starter_for(decision, start_response))
                if decision.renew_session_id is None:
                    return body
                renewal = self._gate.renew_later(decision.renew_session_id)
                return then(body, lambda: self._renew(renewal))
            case _:
                assert_never(decision)

    def _opened(self, environ: Environ) -> Environ | None:
        """Return the environ as the app sees it where a path is open to strangers, else None."""
        shortcut, path = self._shortcut, environ.get("PATH_INFO", "")
        if not shortcut.has_open_paths or environ.get("SCRIPT_NAME") or not path.isascii():
            return None
        raw_path = environ.get("RAW_URI") or environ.get("REQUEST_URI") or None
        if raw_path and "?" in raw_path:
            raw_path = raw_path[: raw_path.index("?")]  # Perhaps "", which is no path.
        if shortcut.opened.get(path, UNKNOWN) != raw_path:
            if len(path) > LONGEST_OPEN_PATH or len(raw_path or "") > LONGEST_RAW_PATH:
                return None
            if not shortcut.is_open(path, raw_path):
                return None
        return self._unknown(environ.copy(), None)

    def _environ_for(self, environ: Environ, decision: Admit | PassThrough) -> Environ:
        """Return the environ as the app sees it after a decision: no identity but the session's."""
        inner = self._unknown(environ.copy(), decision.cookie_header)
        if isinstance(decision, Admit):
            inner[SESSION_KEY] = decision.session
            if decision.session.user is not None:
                inner["REMOTE_USER"] = wsgi_text(decision.session.user.user_name)
            if self._inject_header:
                inner["HTTP_AUTHORIZATION"] = f"Bearer {decision.session.access_token}"
        return inner

    def _unknown(self, inner: Environ, cookie: str | None) -> Environ:
        """Make an environ what the app sees of somebody who is not logged in: no cookie of ours, and no identity.

        Args:
            inner: A copy of the server's.
            cookie: The Cookie header without our own cookies.
        """
        if cookie is None:
            inner.pop("HTTP_COOKIE", None)
        else:
            inner["HTTP_COOKIE"] = cookie
        for name in self._forgeable:
            inner.pop(name, None)
        return inner

    def _renew(self, renewal: Flow[None]) -> None:
        try:  # No session's id stands in this frame, whose local variables error reporters send along.
            self._driver.run(renewal)
        except Exception:
            LOGGER.exception("the refresh after the answer failed; the next request tries again")


def wsgi_text(text: str) -> str:
    """Return a text as it stands in an environ: its bytes in UTF-8, each as a character of latin-1 (PEP 3333)."""
    return text.encode("utf-8").decode("latin-1")


def view_of(environ: Environ) -> RequestView:
    """Return what decisions may know of a request (PEP 3333, "environ Variables")."""
    headers = {name: environ[key] for key, name in WANTED if key in environ}
    if "host" not in headers and (host := host_of(environ)):
        headers["host"] = host
    raw_target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    return RequestView(
        method=environ["REQUEST_METHOD"],
        path=text_of(environ.get("PATH_INFO", "")),
        mount=text_of(environ.get("SCRIPT_NAME", "")).rstrip("/"),
        raw_path=raw_target.partition("?")[0] if raw_target else None,
        query=environ.get("QUERY_STRING", ""),
        scheme=environ.get("wsgi.url_scheme", "http"),
        headers=headers,
        # PEP 3333 knows no WebSockets, but servers let apps take the connection over (Flask-Sock, gevent-websocket).
        is_websocket="websocket" in environ.get("HTTP_UPGRADE", "").lower(),
    )


def host_of(environ: Environ) -> str:
    """Return the Host header, or what PEP 3333 tells to put together where none came ("URL Reconstruction")."""
    host: str | None = environ.get("HTTP_HOST")
    if host is None and "SERVER_NAME" in environ:
        return f"{environ['SERVER_NAME']}:{environ.get('SERVER_PORT', '80')}"
    return host or ""


def text_of(latin1: str) -> str:
    """Return the text of a path, which WSGI hands over as bytes in latin-1 clothes."""
    return latin1 if latin1.isascii() else latin1.encode("latin-1").decode("utf-8", "surrogateescape")


def starter_for(decision: Admit | PassThrough, start_response: StartResponse) -> StartResponse:
    """Return a ``start_response`` that adds our cookies, or the server's own where there are none."""
    if not decision.set_cookies:
        return start_response

    def start_with_cookies(status: str, headers: HeaderList, exc_info: Any = None) -> Any:
        error = (exc_info,) if exc_info else ()  # No variable holds a cookie of ours, should ``start_response`` fail.
        ours = (("Set-Cookie", value) for value in decision.set_cookies)
        return start_response(status, [*uncached(headers), *ours], *error)

    return start_with_cookies


def uncached(headers: HeaderList) -> HeaderList:
    """Return the app's headers, wrong ones raise, and what keeps shared caches from storing the cookies that follow."""
    said = {name: ", ".join(v for n, v in headers if n.lower() == name) or None for name in CACHE_HEADERS}
    kept = [pair for pair in headers if pair[0].lower() not in CACHE_HEADERS]
    cache_control = cache_control_with_cookie(said["cache-control"])
    return [*kept, ("Cache-Control", cache_control), ("Vary", vary_with_cookie(said["vary"]))]


PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


def answer(decision: Answer, method: str, start_response: StartResponse) -> Iterable[bytes]:
    """Send an answer of our own; the request's body is not read."""
    length = ("Content-Length", str(len(decision.body)))
    start_response(f"{decision.status} {PHRASES[decision.status]}", [*decision.headers, length])
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
