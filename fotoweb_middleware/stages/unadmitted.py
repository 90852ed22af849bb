"""Where the stages end without a session: to the login, to a 401, or on to the app without one."""

from __future__ import annotations

import math

from fotoweb_middleware.model import Answer, PassThrough, Reason, RequestView
from fotoweb_middleware.pages.fotoweb_errors import FotoWebStep, fotoweb_error
from fotoweb_middleware.pages.login_problems import not_signed_in
from fotoweb_middleware.pages.outages import cache_unavailable, fotoweb_unavailable
from fotoweb_middleware.pages.refusals import bad_request_target, cross_origin_refused, no_such_page
from fotoweb_middleware.site import Site, front_page
from fotoweb_middleware.site.answers import page_answer, page_or_problem, problem_answer
from fotoweb_middleware.site.journal import Event, journal
from fotoweb_middleware.site.request_class import wants_page
from fotoweb_middleware.stages.classify import is_open
from fotoweb_middleware.stages.lookup import Presented

__all__ = [
    "bad_target",
    "cross_origin",
    "no_cache",
    "no_fotoweb",
    "not_found",
    "not_signed_in_problem",
    "operator_fault",
    "preflight",
    "without_session",
]

CACHE_RETRY_SECONDS = 5
CHALLENGE = ("WWW-Authenticate", 'FotoWeb-Login realm="fotoweb"')
"""RFC 9110, 15.5.2 asks for a challenge; this scheme is ours, so that no browser opens a password dialog."""


def not_signed_in_problem(site: Site, request: RequestView, reason: Reason = Reason.NO_SESSION) -> Answer:
    """Return the 401: with ``login_url`` for programs, as a page for forms. No cookie is set, no login begun."""
    url = site.path(request.mount, "login")
    if request.method != "GET" and wants_page(request):
        return page_answer(reason, not_signed_in(url), extra=(CHALLENGE,))
    title, detail = "Not signed in", "Send the user to login_url in the browser's own window, then ask again."
    return problem_answer(reason, 401, title, detail, code="not_signed_in", extra=(CHALLENGE,), login_url=url)


def bad_target(_site: Site, request: RequestView, _presented: Presented) -> Answer:
    """Return the 400 for a request target that is no path."""
    return page_or_problem(request, Reason.BAD_TARGET, bad_request_target(None))


def cross_origin(request: RequestView, session_id: str) -> Answer:
    """Return the 403 for an unsafe request or a WebSocket that another origin sent with the session's cookie."""
    origin = request.headers.get("origin")
    journal(Event.CROSS_ORIGIN, session_id=session_id, method=request.method, path=request.path, origin=origin)
    return page_or_problem(request, Reason.CROSS_ORIGIN, cross_origin_refused(front_page(request.mount)))


def no_fotoweb(request: RequestView, retry_after_seconds: float, retry_url: str | None) -> Answer:
    """Return the 503 for an expired token that can't be renewed now."""
    seconds = max(1, math.ceil(retry_after_seconds))
    page = fotoweb_unavailable(seconds, retry_url)
    return page_or_problem(request, Reason.FOTOWEB_UNAVAILABLE, page, extra=(("Retry-After", str(seconds)),))


def no_cache(request: RequestView, retry_url: str | None = None) -> Answer:
    """Return the 503 for a session that only the server cache knows."""
    page = cache_unavailable(CACHE_RETRY_SECONDS, retry_url)
    retry_after = ("Retry-After", str(CACHE_RETRY_SECONDS))
    return page_or_problem(request, Reason.CACHE_UNAVAILABLE, page, extra=(retry_after,))


def operator_fault(request: RequestView, error: str) -> Answer:
    """Return the 502 for an expired token where FotoWeb refuses the app itself."""
    page = fotoweb_error(FotoWebStep.REFRESH, error, front_page(request.mount))
    return page_or_problem(request, Reason.OPERATOR_FAULT, page)


def not_found(_site: Site, request: RequestView, _presented: Presented) -> Answer:
    """Return the 404 for a path below our prefix that is none of our pages."""
    return page_or_problem(request, Reason.UNKNOWN_OWN_PATH, no_such_page(front_page(request.mount)))


def preflight(site: Site, request: RequestView, presented: Presented) -> Answer | PassThrough:
    """Let a preflight reach the app from a trusted origin or on an open path, never with a session; else 401."""
    if is_open(site, request) or request.headers["origin"].lower() in site.trusted_origins:
        return PassThrough(Reason.PREFLIGHT_ADMITTED, presented.own.rest)
    return not_signed_in_problem(site, request, Reason.PREFLIGHT_REFUSED)


def without_session(presented: Presented, *, is_optional: bool, set_cookies: tuple[str, ...] = ()) -> PassThrough:
    """Let a request on an open path reach the app without a session."""
    reason = Reason.LOGIN_OPTIONAL if is_optional else Reason.PUBLIC
    return PassThrough(reason, presented.own.rest, set_cookies)
