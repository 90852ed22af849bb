"""The order of things: what becomes of a request. Every decision is made here or below, for both middlewares.

    0. Cookies of ours that are known, nothing due          session_cache.py, asked by the middlewares first of all
    1. The request target is a path?                       else 400; wrapped twice: 500
    2. One of our own pages?                               views/
    3. A CORS preflight?                                   never with a session
    4. A session: cookie, memory, store                    lookup.py
    5. Its token has expired?                              refresh.py: one refresh, all requests wait for it
    6. May its user enter? Asked once by each process      authorization.py
    7. The app runs, with the session or without one, or the answer is a login, a 401, a 503

``handle`` is the whole order for the WSGI middleware, and may block. The ASGI middleware takes the same steps one by
one: ``without_session``, ``decide`` and ``after_refresh`` do no I/O and run on the event loop, the others in worker
threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from fotoweb_middleware.context import Context
from fotoweb_middleware.cookies import RequestCookies, join_cookies, read_cookies
from fotoweb_middleware.live_session import session_of
from fotoweb_middleware.log import LOGGER
from fotoweb_middleware.lookup import (
    Found,
    Lookup,
    NoSession,
    forget_session_cookies,
    look_up,
    session_cookies,
    tag_cookie,
)
from fotoweb_middleware.records import StoreDown, revoke_session
from fotoweb_middleware.refresh import Ended, NotNow, OperatorFault, Refresher, RefreshResult, Usable
from fotoweb_middleware.request import (
    SAFE_METHODS,
    Request,
    cookie_names,
    is_cross_origin,
    is_navigation,
    is_origin_form,
    is_preflight,
    is_public,
    is_trusted_origin,
    own_path,
)
from fotoweb_middleware.responses import Outcome, Response, RunApp, with_cookies
from fotoweb_middleware.session import Session
from fotoweb_middleware.session_cache import KnownRequest
from fotoweb_middleware.views import refusals
from fotoweb_middleware.views.callback import callback
from fotoweb_middleware.views.health import live, ready
from fotoweb_middleware.views.login import begin_login, login
from fotoweb_middleware.views.logout import logout
from fotoweb_middleware.views.next_path import requested_path
from fotoweb_middleware.views.status import status

View: TypeAlias = Callable[[Context, Request, RequestCookies], Response]
ForApp: TypeAlias = Callable[[Session | None], Any]
"""Takes the session, if any; returns what the app gets of it besides cookies, as ASGI or WSGI has it."""


STATUS = "/session"
"""The one page of ours that needs the request's session: ``decide`` answers it."""


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """A session with a valid token, of which this process has still to find out whether its user may enter."""

    found: Found


class Handler:
    """Decides what becomes of each request of one wrapped app."""

    def __init__(self, context: Context, for_app: ForApp) -> None:
        self.context = context
        self._for_app = for_app
        self._views: dict[str, View] = {"/login": login}
        self._blocking_views: dict[str, View] = {"/callback": callback, "/logout": logout}
        if context.settings.health:
            self._views["/health/live"] = live
            self._blocking_views["/health/ready"] = ready
        self.refresher = Refresher(context)
        self._has_started = False

    def note_start(self) -> None:
        """Write the start-up line, once: when this process begins to serve, not where it imports the app alone."""
        if not self._has_started:
            self._has_started = True
            LOGGER.info("%s", self.context.start_up_line())

    def handle(self, request: Request) -> Outcome:
        """Decide with whatever it takes; may wait for the store and for FotoWeb."""
        cookies = self.read_cookies(request)
        if (outcome := self.without_session(request, cookies)) is not None:
            return outcome
        if (view := self.blocking_view(request)) is not None:
            return view(self.context, request, cookies)
        found = self.known_session(cookies) or look_up(self.context, cookies)
        decided = self.decide(request, cookies, found)
        if isinstance(decided, Found):
            waited = self.context.client.wait(self.refresher.start(decided.cached))
            decided = self.after_refresh(request, cookies, decided, waited)
        return self.authorize(request, cookies, decided.found) if isinstance(decided, FirstSeen) else decided

    def read_cookies(self, request: Request) -> RequestCookies:
        """Return our own cookies of a request."""
        return read_cookies(request.headers.get("cookie"), cookie_names(request, self.context.settings))

    def own_page(self, request: Request) -> str | None:
        """Return what a path below our prefix asks for, such as "/login"; None where it is not below the prefix."""
        path, prefix = request.path, self.context.settings.path_prefix
        if not path.startswith(prefix) or path[len(prefix) : len(prefix) + 1] not in {"", "/"}:
            return None
        return "" if request.is_websocket else path[len(prefix) :]

    def blocking_view(self, request: Request) -> View | None:
        """Return what answers one of our own pages that needs I/O but no session; None for all other requests."""
        return self._blocking_views.get(self.own_page(request) or "")

    def without_session(self, request: Request, cookies: RequestCookies) -> Outcome | None:
        """Decide what needs neither a session nor I/O; None for all else."""
        if not is_origin_form(request):
            return refusals.bad_target(self.context, request)
        if request.outer & {self.context.settings.cookie_name, self.context.settings.path_prefix}:
            return refusals.wrapped_twice(self.context, request)
        page = self.own_page(request)
        if page in self._blocking_views:
            return None
        if page in self._views:
            return self._views[page](self.context, request, cookies)
        if page not in {None, STATUS}:
            return refusals.no_such_page(self.context, request)
        if page is None and is_preflight(request):
            return self._preflight(request, cookies)
        if cookies.session_value is not None:
            return None
        return self._challenge(request, cookies) if page is None else status(self.context, request, NoSession())

    def known_session(self, cookies: RequestCookies) -> Found | None:
        """Return the session of cookies that are known, where nothing is due; does no I/O."""
        known = self.context.session_cache.find(cookies.own, secure=cookies.names.secure)
        return None if known is None else Found(known.cached, None)

    def decide(self, request: Request, cookies: RequestCookies, found: Lookup) -> Outcome | Found | FirstSeen:
        """Decide with what was looked up; a session comes back whose token has to be refreshed first. Does no I/O."""
        if self.own_page(request) == STATUS:
            now = self.context.clock()  # A status refreshes nothing: with an expired token, the next request asks.
            if isinstance(found, Found) and self._is_first_seen(found) and not found.cached.must_refresh(now):
                return FirstSeen(found)
            return status(self.context, request, found)
        match found:
            case NoSession():
                return self._challenge(request, cookies)
            case StoreDown():
                return self._anonymous(request, cookies) or self._store_unavailable(request)
            case Found(cached):
                if is_unsafe(request) and is_cross_origin(request, self.context.settings):
                    return refusals.cross_origin(self.context, request, cached.record.session_id)
                result = self.refresher.without_refresh(cached)
                return found if result is None else self.after_refresh(request, cookies, found, result)
            case _:
                assert_never(found)

    def after_refresh(
        self, request: Request, cookies: RequestCookies, found: Found, result: RefreshResult | None
    ) -> Outcome | FirstSeen:
        """Decide with what became of the session's token; ``result`` is None where that took too long. Does no I/O."""
        settled = self.refresher.settle(found.cached, result)
        if self.context.session_cache.is_revoked(found.cached.record.session_id):
            settled = Ended()  # It was logged out meanwhile.
        match settled:
            case Usable(cached):
                newest = Found(cached, found.cookie_version)
                if self._is_first_seen(newest):
                    return FirstSeen(newest)
                return self._authenticated(request, cookies, newest)
            case Ended(is_certain):
                return self._challenge(request, cookies, forget_session_cookies(cookies) if is_certain else ())
            case NotNow(seconds, store_is_down):
                if (anonymous := self._anonymous(request, cookies)) is not None:
                    return anonymous
                if store_is_down:
                    return self._store_unavailable(request)
                return refusals.fotoweb_unavailable(self.context, request, seconds, self._retry_url(request))
            case OperatorFault(error):
                return self._anonymous(request, cookies) or refusals.operator_fault(self.context, request, error)
            case _:
                assert_never(settled)

    def _is_first_seen(self, found: Found) -> bool:
        return self.context.authorization.is_restricted and not found.cached.is_authorized

    def authorize(self, request: Request, cookies: RequestCookies, found: Found) -> Outcome:
        """Ask whether a session's user may enter, and decide; the session ends where they may not. May block."""
        context, cached = self.context, found.cached
        session_id, forget = cached.record.session_id, forget_session_cookies(cookies)
        is_status = self.own_page(request) == STATUS
        refused = context.authorization.check(session_of(self.refresher, cached), session_id)
        if refused is None:
            cached.is_authorized = True
            if is_status:
                return status(context, request, found)
            if context.session_cache.is_revoked(session_id):  # It was logged out meanwhile.
                return self._challenge(request, cookies, forget)
            return self._authenticated(request, cookies, found)
        revoke_session(context, session_id, reason="not_allowed")
        if is_status:
            return status(context, request, NoSession())
        if (anonymous := self._anonymous(request, cookies, forget)) is not None:
            return anonymous
        login_url = own_path(context.settings, request.mount, "login")
        return with_cookies(refusals.not_allowed(context, request, refused, login_url), forget)

    def _authenticated(self, request: Request, cookies: RequestCookies, found: Found) -> RunApp:
        """Let the app run with the session. The browser gets a new cookie where it has an older version."""
        context, cached, now = self.context, found.cached, self.context.clock()
        set_cookies: tuple[str, ...] = ()
        for_app = self._for_app(session_of(self.refresher, cached))
        kept_and_tag = join_cookies(cookies.kept, tag_cookie(context, cookies, cached))
        if found.cookie_version is None or found.cookie_version >= cached.record.version:
            known = KnownRequest(cached, for_app, kept_and_tag)
            context.session_cache.remember(cookies.own, known, secure=cookies.names.secure)
        elif not is_public(request, context.settings):  # Caches keep answers of public paths, whatever headers say.
            set_cookies = session_cookies(context, cookies, cached)
        is_due = cached.is_stale(now) and now >= cached.refresh_due_at
        return RunApp(
            for_app,
            join_cookies(cookies.others, kept_and_tag),
            has_session=True,
            set_cookies=set_cookies,
            stale_session_id=cached.record.session_id if is_due else None,
        )

    def _challenge(self, request: Request, cookies: RequestCookies, set_cookies: tuple[str, ...] = ()) -> Outcome:
        """Decide for a request without a session: the app where the path is open, else a login or a 401."""
        if (anonymous := self._anonymous(request, cookies, set_cookies)) is not None:
            return anonymous
        if not is_navigation(request):
            return with_cookies(refusals.not_signed_in(self.context, request), set_cookies)
        next_path = requested_path(self.context.settings, request)
        return with_cookies(begin_login(self.context, request, cookies, next_path), set_cookies)

    def _anonymous(self, request: Request, cookies: RequestCookies, set_cookies: tuple[str, ...] = ()) -> RunApp | None:
        """Let the app run without a session where it may, else return None."""
        settings = self.context.settings
        if is_public(request, settings):  # As in ``_authenticated``.
            return self._run_anonymous(cookies)
        return self._run_anonymous(cookies, set_cookies) if settings.login == "optional" else None

    def _run_anonymous(self, cookies: RequestCookies, set_cookies: tuple[str, ...] = ()) -> RunApp:
        return RunApp(self._for_app(None), cookies.rest, has_session=False, set_cookies=set_cookies)

    def _preflight(self, request: Request, cookies: RequestCookies) -> Outcome:
        """Let a preflight reach the app from a trusted origin or on an open path, never with a session; else 401."""
        if is_trusted_origin(request.headers["origin"], self.context.settings):
            return self._run_anonymous(cookies)
        return self._anonymous(request, cookies) or refusals.not_signed_in(self.context, request)

    def _store_unavailable(self, request: Request) -> Response:
        return refusals.store_unavailable(self.context, request, self._retry_url(request))

    def _retry_url(self, request: Request) -> str | None:
        """Return what a page's "Try again" may ask for: the same, where asking twice is harmless."""
        return requested_path(self.context.settings, request) if request.method == "GET" else None


def is_unsafe(request: Request) -> bool:
    """Return whether a request may change something, so that another origin must not send it with a session."""
    return request.method not in SAFE_METHODS or request.is_websocket
