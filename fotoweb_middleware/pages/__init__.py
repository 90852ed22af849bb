"""Every page and problem document this package shows, in one look.

    state_problems.py   a callback that can't be believed
    login_problems.py   a sign-in that was declined; a form sent without one
    login_loops.py      logins that follow one another without a session
    outages.py          FotoWeb or the server cache can't be reached
    fotoweb_errors.py   FotoWeb refused, or answered nonsense
    refusals.py         requests refused as they stand
    bounce.py           between another site and the app, where cookies are Strict
    logout.py           before and after a logout
    problem.py          the same for programs: RFC 9457
    layout.py           what a page consists of, and how it becomes HTML
    style.py            the look
    headers.py          what goes before every one of them
    targets.py          where a page may lead

Each function gives a `Page`; answer with `page.status`, `security_headers()` and `render(page)`.
"""

from __future__ import annotations

from fotoweb_middleware.pages.bounce import one_moment
from fotoweb_middleware.pages.fotoweb_errors import FotoWebStep, fotoweb_error, fotoweb_nonsense
from fotoweb_middleware.pages.headers import PROBLEM_HEADERS, SECURITY_HEADERS, security_headers
from fotoweb_middleware.pages.layout import Page, render
from fotoweb_middleware.pages.login_loops import LoopCause, login_loop
from fotoweb_middleware.pages.login_problems import access_denied, not_signed_in
from fotoweb_middleware.pages.logout import confirm_logout, signed_out
from fotoweb_middleware.pages.outages import cache_unavailable, fotoweb_unavailable, temporarily_unavailable
from fotoweb_middleware.pages.problem import problem_json
from fotoweb_middleware.pages.refusals import bad_request_target, cross_origin_refused, method_not_allowed, no_such_page
from fotoweb_middleware.pages.state_problems import StateProblem, sign_in_again
from fotoweb_middleware.pages.targets import check_target, origin_of

__all__ = [
    "PROBLEM_HEADERS",
    "SECURITY_HEADERS",
    "FotoWebStep",
    "LoopCause",
    "Page",
    "StateProblem",
    "access_denied",
    "bad_request_target",
    "cache_unavailable",
    "check_target",
    "confirm_logout",
    "cross_origin_refused",
    "fotoweb_error",
    "fotoweb_nonsense",
    "fotoweb_unavailable",
    "login_loop",
    "method_not_allowed",
    "no_such_page",
    "not_signed_in",
    "one_moment",
    "origin_of",
    "problem_json",
    "render",
    "security_headers",
    "sign_in_again",
    "signed_out",
    "temporarily_unavailable",
]
