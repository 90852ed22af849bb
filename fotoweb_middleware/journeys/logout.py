"""Journey 3 of 4: out. The session dies here, in the cache and in the browser; FotoWeb's own session is FotoWeb's.

FotoWeb documents no revocation endpoint, so the tombstone is what makes a logout stick.
"""

from __future__ import annotations

from fotoweb_middleware.effects import Detach, Flow
from fotoweb_middleware.journeys.login import forget_logins
from fotoweb_middleware.journeys.loops import forget_trail
from fotoweb_middleware.model import Answer, Reason, RequestView
from fotoweb_middleware.pages.headers import security_headers
from fotoweb_middleware.pages.logout import confirm_logout, signed_out
from fotoweb_middleware.pages.refusals import cross_origin_refused, method_not_allowed
from fotoweb_middleware.site import Site, front_page, origin_of
from fotoweb_middleware.site.answers import page_answer, page_or_problem, redirect, with_cookies
from fotoweb_middleware.site.journal import Event, journal
from fotoweb_middleware.site.origin import is_from_elsewhere, is_same_origin_click
from fotoweb_middleware.stages.lookup import Presented, presented_sessions
from fotoweb_middleware.stages.records import bury_session
from fotoweb_middleware.stages.supply import forget_session

__all__ = ["end_session"]

ALLOWED = ("GET", "POST")


def end_session(site: Site, request: RequestView, presented: Presented) -> Flow[Answer]:
    """Log out on a POST or a click of our own origin; ask first on any other GET.

    A cross-site image or link must not be able to log somebody out (OWASP ASVS 5.0, 3.5.3).
    """
    if request.method not in ALLOWED:
        page = method_not_allowed(ALLOWED, front_page(request.mount))
        return page_or_problem(request, Reason.METHOD_NOT_ALLOWED, page, extra=(("Allow", ", ".join(ALLOWED)),))
    if request.method == "GET" and not is_same_origin_click(request):
        page = confirm_logout(site.path(request.mount, "logout"), front_page(request.mount))
        return page_answer(Reason.LOGOUT_CONFIRM, page, headers=confirm_headers(site))
    session_ids = presented_sessions(site, request, presented)
    if request.method == "POST" and is_from_elsewhere(site, request):
        session_id = session_ids[0] if session_ids else None
        journal(Event.CROSS_ORIGIN, session_id=session_id, path=request.path, origin=request.headers.get("origin"))
        return page_or_problem(request, Reason.CROSS_ORIGIN, cross_origin_refused(front_page(request.mount)))
    if session_ids:
        yield from Detach(end_all(site, session_ids))  # Also for one who does not wait for the answer.
    cookies = (*forget_session(presented), *forget_logins(request, presented), *forget_trail(presented))
    return with_cookies(farewell(site, request), cookies)


def end_all(site: Site, session_ids: list[str]) -> Flow[None]:
    """End sessions, each here and everywhere."""
    for session_id in session_ids:
        journal(Event.LOGGED_OUT, session_id=session_id)
        yield from bury_session(site, session_id)


def farewell(site: Site, request: RequestView) -> Answer:
    """Return where a logout leads; never straight into the next login."""
    if site.settings.post_logout_url is not None:
        return redirect(Reason.LOGGED_OUT, site.settings.post_logout_url)
    page = signed_out(site.path(request.mount, "login"), site.settings.url)
    return page_answer(Reason.LOGGED_OUT, page)


def confirm_headers(site: Site) -> tuple[tuple[str, str], ...]:
    """Return the confirmation page's headers: its form may end at ``FOTOWEB_POST_LOGOUT_URL``."""
    url = site.settings.post_logout_url
    return security_headers(origin_of(url) if url and not url.startswith("/") else None, has_form=True)
