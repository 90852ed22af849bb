"""Answers of our own: a page for people, problem details for programs, redirects for browsers."""

from __future__ import annotations

from fotoweb_middleware.model import Answer, Reason, RequestView
from fotoweb_middleware.pages.headers import PROBLEM_HEADERS, SECURITY_HEADERS
from fotoweb_middleware.pages.layout import Page, render
from fotoweb_middleware.pages.problem import problem_json
from fotoweb_middleware.site.request_class import wants_page

__all__ = ["page_answer", "page_or_problem", "problem_answer", "redirect", "with_cookies"]

Headers = tuple[tuple[str, str], ...]

REDIRECT_HEADERS: Headers = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


def page_answer(reason: Reason, page: Page, *, extra: Headers = (), headers: Headers = SECURITY_HEADERS) -> Answer:
    """Return a page.

    Args:
        reason: For the log.
        page: What to show.
        extra: Further headers, such as Retry-After.
        headers: The page's own, where they are not the usual ones.
    """
    return Answer(reason, page.status, headers + extra, render(page))


def page_or_problem(request: RequestView, reason: Reason, page: Page, *, extra: Headers = ()) -> Answer:
    """Return a page where a person will read it, else problem details with the same words.

    Args:
        request: Who asks.
        reason: For the log.
        page: What to show or say.
        extra: Further headers.
    """
    if wants_page(request):
        return page_answer(reason, page, extra=extra)
    detail = next((block for block in page.body if isinstance(block, str)), page.title)
    return problem_answer(reason, page.status, page.title, detail, code=page.code, extra=extra)


def problem_answer(  # noqa: PLR0913 (the members of a problem document)
    reason: Reason,
    status: int,
    title: str,
    detail: str,
    *,
    code: str,
    extra: Headers = (),
    login_url: str | None = None,
) -> Answer:
    """Return problem details (RFC 9457).

    Args:
        reason: For the log.
        status: HTTP status.
        title: What kind of problem it is.
        detail: What to do.
        code: The stable name of the case.
        extra: Further headers.
        login_url: Where a login starts, where one would help.
    """
    body = problem_json(status, title, detail, type_code=code, login_url=login_url)
    return Answer(reason, status, PROBLEM_HEADERS + extra, body, 4000 + status)


def redirect(reason: Reason, location: str, *, set_cookies: tuple[str, ...] = ()) -> Answer:
    """Return a 302 to ``location``, which the caller has checked."""
    cookies = [("Set-Cookie", value) for value in set_cookies]
    return Answer(reason, 302, (("Location", location), *REDIRECT_HEADERS, *cookies))


def with_cookies(answer: Answer, set_cookies: tuple[str, ...]) -> Answer:
    """Return the answer with Set-Cookie headers added."""
    if not set_cookies:
        return answer
    cookies = tuple(("Set-Cookie", value) for value in set_cookies)
    headers = answer.headers + cookies
    return Answer(answer.reason, answer.status, headers, answer.body, answer.websocket_close_code)
