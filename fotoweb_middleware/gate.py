"""The order of the stages, and nothing else. Every decision about a request is made below this file, for both doors.

    classify -> lookup -> refresh -> supply        every protected request, in this order
                  |
    login, callback, logout, status                off the road

Two rules: ``decide_now`` does no I/O and never disagrees with ``decide``; ``decide`` may do I/O, as effects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from fotoweb_middleware.effects import Flow
from fotoweb_middleware.journeys.callback import complete_login
from fotoweb_middleware.journeys.login import begin_login, login_page
from fotoweb_middleware.journeys.logout import end_session
from fotoweb_middleware.journeys.status import show_status
from fotoweb_middleware.journeys.target import requested_target
from fotoweb_middleware.model import Answer, Decision, PassThrough, RequestView
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.answers import with_cookies
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.origin import is_from_elsewhere
from fotoweb_middleware.site.request_class import SAFE_METHODS, is_navigation
from fotoweb_middleware.stages.classify import Route, classify
from fotoweb_middleware.stages.lookup import (
    Found,
    NoSession,
    Presented,
    lookup,
    lookup_now,
    note_request,
    present,
)
from fotoweb_middleware.stages.records import CacheDown
from fotoweb_middleware.stages.refresh import Age, age_of, keep_usable, renew_later
from fotoweb_middleware.stages.renewal import Ended, NotNow, OperatorFault, Renewal, Usable
from fotoweb_middleware.stages.supply import forget_session, supply
from fotoweb_middleware.stages.unadmitted import (
    bad_target,
    cross_origin,
    no_cache,
    no_fotoweb,
    not_found,
    not_signed_in_problem,
    operator_fault,
    preflight,
    without_session,
)

__all__ = ["Gate"]


class Gate:
    """Decides what becomes of each request of one wrapped app.

    A door asks the shortcut first; where that knows nothing, ``decide_now``, and then ``decide``.

    Args:
        site: The wrapped app's.
    """

    __slots__ = ("site",)

    def __init__(self, site: Site) -> None:
        self.site = site

    def decide_now(self, request: RequestView) -> Decision | None:
        """Decide from memory alone, or return None where ``decide`` must be asked."""
        route = classify(self.site, request)
        presented = present(self.site, request)
        if (at_once := AT_ONCE.get(route)) is not None:
            return at_once(self.site, request, presented)
        if route is not Route.PROTECTED and route is not Route.OPEN:
            return None
        found = lookup_now(self.site, presented)
        if found is None:
            return None
        if isinstance(found, NoSession):
            return self._unadmitted(request, presented, route)
        if age_of(found.held, self.site.clock()) is Age.EXPIRED:
            return None
        return self._refused_origin(request, found) or supply(self.site, presented, found)

    def decide(self, request: RequestView) -> Flow[Decision]:
        """Decide with whatever it takes."""
        route = classify(self.site, request)
        presented = present(self.site, request)
        match route:
            case Route.PROTECTED | Route.OPEN:
                return (yield from self._on_the_road(request, presented, route))
            case Route.CALLBACK:
                return (yield from complete_login(self.site, request, presented))
            case Route.LOGOUT:
                return (yield from end_session(self.site, request, presented))
            case Route.SESSION:
                return (yield from show_status(self.site, request, presented))
            case Route.LOGIN | Route.PREFLIGHT | Route.BAD_TARGET | Route.UNKNOWN_OWN_PATH:
                return AT_ONCE[route](self.site, request, presented)
            case _:
                assert_never(route)

    def renew_later(self, session_id: str) -> Flow[None]:
        """Refresh a stale token; a door calls this once the answer has been sent."""
        return renew_later(self.site, session_id)

    def _on_the_road(self, request: RequestView, presented: Presented, route: Route) -> Flow[Decision]:
        found = yield from lookup(self.site, presented)
        match found:
            case NoSession():
                return self._unadmitted(request, presented, route)
            case CacheDown():
                return self._let_through(presented, route) or no_cache(request, self._retry_url(request))
            case Found():
                pass
            case _:
                assert_never(found)
        if (refused := self._refused_origin(request, found)) is not None:
            return refused
        renewal = yield from self._keep_usable(found.held)
        match renewal:
            case Usable(held, was_renewed):
                return supply(self.site, presented, Found(held, found.cookie_version), was_renewed=was_renewed)
            case Ended(is_certain):
                return self._unadmitted(request, presented, route, forget_session(presented) if is_certain else ())
            case NotNow(cache_is_down=True):
                return self._let_through(presented, route) or no_cache(request, self._retry_url(request))
            case NotNow():
                return self._let_through(presented, route) or self._no_fotoweb(request, renewal.retry_after_seconds)
            case OperatorFault():
                return self._let_through(presented, route) or operator_fault(request, renewal.error)
            case _:
                assert_never(renewal)

    def _keep_usable(self, held: Held) -> Flow[Renewal]:
        """See that the token is good, and note the request."""
        renewal = yield from keep_usable(self.site, held)
        if isinstance(renewal, Usable) and not (yield from note_request(self.site, renewal.held)):
            return Ended()
        return renewal

    def _unadmitted(
        self, request: RequestView, presented: Presented, route: Route, set_cookies: tuple[str, ...] = ()
    ) -> Decision:
        """Decide for a request without a session: the app where the path is open, else a login or a 401."""
        if (through := self._let_through(presented, route, set_cookies)) is not None:
            return through
        if not is_navigation(request):
            return with_cookies(not_signed_in_problem(self.site, request), set_cookies)
        target = requested_target(self.site, request)
        return with_cookies(begin_login(self.site, request, presented, target), set_cookies)

    def _let_through(self, presented: Presented, route: Route, set_cookies: tuple[str, ...] = ()) -> PassThrough | None:
        is_optional = self.site.settings.login == "optional"
        if route is not Route.OPEN:
            return None
        return without_session(presented, is_optional=is_optional, set_cookies=set_cookies)

    def _no_fotoweb(self, request: RequestView, retry_after_seconds: float) -> Answer:
        return no_fotoweb(request, retry_after_seconds, self._retry_url(request))

    def _retry_url(self, request: RequestView) -> str | None:
        """Return what a page's "Try again" may ask for: the same, where asking twice is harmless."""
        return requested_target(self.site, request) if request.method == "GET" else None

    def _refused_origin(self, request: RequestView, found: Found) -> Answer | None:
        """Refuse what another origin sends with the session's cookie."""
        if request.method in SAFE_METHODS and not request.is_websocket:
            return None
        if not is_from_elsewhere(self.site, request):
            return None
        return cross_origin(request, found.held.record.session_id)


AT_ONCE: dict[Route, Callable[[Site, RequestView, Presented], Decision]] = {
    Route.BAD_TARGET: bad_target,
    Route.UNKNOWN_OWN_PATH: not_found,
    Route.PREFLIGHT: preflight,
    Route.LOGIN: login_page,
}
"""The routes that need neither session nor effect."""
