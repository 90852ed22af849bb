"""Journey 4 of 4: the session's status, for pages: ``PREFIX/session``. Never a token, and nothing is refreshed."""

from __future__ import annotations

import json

from fotoweb_middleware.effects import Flow
from fotoweb_middleware.model import Answer, Reason, RequestView
from fotoweb_middleware.pages.headers import PROBLEM_HEADERS
from fotoweb_middleware.pages.refusals import method_not_allowed
from fotoweb_middleware.site import Site, front_page
from fotoweb_middleware.site.answers import page_or_problem
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages.lookup import Found, Presented, lookup
from fotoweb_middleware.stages.records import CacheDown
from fotoweb_middleware.stages.refresh import Age, age_of
from fotoweb_middleware.stages.unadmitted import no_cache, not_signed_in_problem

__all__ = ["show_status"]

ALLOWED = ("GET", "HEAD")


def show_status(site: Site, request: RequestView, presented: Presented) -> Flow[Answer]:
    """Return 200 with what a page may know, or 401."""
    if request.method not in ALLOWED:
        page = method_not_allowed(ALLOWED, front_page(request.mount))
        return page_or_problem(request, Reason.METHOD_NOT_ALLOWED, page, extra=(("Allow", ", ".join(ALLOWED)),))
    found = yield from lookup(site, presented)
    if isinstance(found, CacheDown):
        return no_cache(request)
    if isinstance(found, Found) and not is_over(site, found.held):
        return status(site, request, found.held)
    return not_signed_in_problem(site, request)


def is_over(site: Site, held: Held) -> bool:
    """Return whether the token has expired and nothing can renew it."""
    return age_of(held, site.clock()) is Age.EXPIRED and held.record.tokens.refresh_token is None


def status(site: Site, request: RequestView, held: Held) -> Answer:
    """Return the status of a live session."""
    content = {
        "authenticated": True,
        "expires_at": held.current.session.expires_at,
        "logout_url": site.path(request.mount, "logout"),
    }
    headers = (("Content-Type", "application/json"), *PROBLEM_HEADERS[1:])
    return Answer(Reason.SESSION_STATUS, 200, headers, json.dumps(content).encode())
