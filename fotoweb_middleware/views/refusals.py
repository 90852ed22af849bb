"""Answers to requests that may not pass: a page for people, a problem document for programs."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote

from fotoweb_middleware.authorization import NotAllowed, email_domain
from fotoweb_middleware.context import Context
from fotoweb_middleware.events import EventName
from fotoweb_middleware.pages import page
from fotoweb_middleware.request import Request, front_page, is_htmx, own_path, wants_page
from fotoweb_middleware.responses import Response, page_or_problem, page_response, problem_response
from fotoweb_middleware.setup_warnings import SetupCause
from fotoweb_middleware.views.next_path import page_of_htmx

STORE_RETRY_SECONDS = 5


def not_signed_in(context: Context, request: Request) -> Response:
    """Return the 401: with ``login_url`` for programs, as a page for forms. No cookie is set, no login begun.

    htmx ignores a 401, but goes where ``HX-Redirect`` leads, whatever the status.
    """
    url = own_path(context.settings, request.mount, "login")
    shown = page("not_signed_in", login_url=url)
    if request.method != "GET" and wants_page(request):
        return page_response(context.pages, request, shown)
    response = problem_response(context.pages, request, shown, url)
    if not is_htmx(request):
        return response
    location = f"{url}?next={quote(page_of_htmx(context.settings, request), safe='')}"
    return dataclasses.replace(response, headers=(*response.headers, ("HX-Redirect", location)))


def bad_target(context: Context, request: Request) -> Response:
    """Return the 400 for a request target that is no path, or a Host header that is no host."""
    return page_or_problem(context.pages, request, page("bad_request_target"))


def wrapped_twice(context: Context, request: Request) -> Response:
    """Return the 500 for a request that came through a FotoWeb middleware already: this one would see no cookie."""
    context.warnings.warn(SetupCause.WRAPPED_TWICE)
    return page_or_problem(context.pages, request, page("wrapped_twice"))


def no_such_page(context: Context, request: Request) -> Response:
    """Return the 404 for a path below our prefix that is none of our pages."""
    return page_or_problem(context.pages, request, page("no_such_page", app_url=front_page(request.mount)))


def method_not_allowed(context: Context, request: Request, allowed: tuple[str, ...]) -> Response:
    """Return the 405 for one of our pages."""
    shown = page("method_not_allowed", allowed=allowed, app_url=front_page(request.mount))
    return page_or_problem(context.pages, request, shown)


def cross_origin(context: Context, request: Request, session_id: str | None) -> Response:
    """Return the 403 for what another origin sent with the session's cookie."""
    origin = request.headers.get("origin")
    context.events.emit(
        EventName.CROSS_ORIGIN, session_id=session_id, method=request.method, path=request.path, origin=origin
    )
    return page_or_problem(context.pages, request, page("cross_origin_refused", app_url=front_page(request.mount)))


def not_allowed(context: Context, request: Request, refused: NotAllowed, login_url: str) -> Response:
    """Return the 403 for somebody who is signed in to FotoWeb and may not use this app."""
    user = refused.user
    shown = page(
        "not_allowed",
        full_name="" if user is None else user.full_name,
        user_name="" if user is None else user.user_name,
        email_domain="" if user is None else email_domain(user.email),
        cause=refused.cause,
        login_url=login_url,
        fotoweb_url=context.settings.url,
    )
    return page_or_problem(context.pages, request, shown)


def fotoweb_unavailable(
    context: Context, request: Request, retry_after_seconds: float, retry_url: str | None
) -> Response:
    """Return the 503 for an expired token that can't be refreshed now."""
    shown = page("fotoweb_unavailable", retry_after_seconds=max(1, retry_after_seconds), retry_url=retry_url)
    return page_or_problem(context.pages, request, shown)


def store_unavailable(context: Context, request: Request, retry_url: str | None) -> Response:
    """Return the 503 for a session that only the store knows."""
    shown = page("store_unavailable", retry_after_seconds=STORE_RETRY_SECONDS, retry_url=retry_url)
    return page_or_problem(context.pages, request, shown)


def operator_fault(context: Context, request: Request, error: str) -> Response:
    """Return the 502 for an expired token where FotoWeb refuses the app itself."""
    shown = page("fotoweb_error", step="refresh", error=error, retry_url=front_page(request.mount))
    return page_or_problem(context.pages, request, shown)
