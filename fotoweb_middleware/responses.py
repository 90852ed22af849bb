"""What becomes of a request: the app runs with a session or without one, or the middleware answers itself."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fotoweb_middleware.pages import PROBLEM_HEADERS, Page, Pages, choose_language, problem_json
from fotoweb_middleware.request import Request, wants_page

Headers: TypeAlias = tuple[tuple[str, str], ...]

REDIRECT_HEADERS: Headers = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)

CHALLENGE = ("WWW-Authenticate", 'FotoWeb-Login realm="fotoweb"')
"""RFC 9110, 15.5.2 asks for a challenge; this scheme is ours, so that no browser opens a password dialog."""
NOT_SIGNED_IN = "Not signed in"
"""What a 401 says that a framework writes."""
UNAVAILABLE = "Try again later."
"""What such a 503 says: FotoWeb or the session store may be the cause."""


@dataclass(frozen=True, slots=True)
class RunApp:
    """The wrapped app runs.

    Attributes:
        for_app: What the app gets, as the middleware's interface has it (``handler.ForApp``).
        cookie_header: The Cookie header that the app gets; empty: none.
        has_session: Whether a session is part of that.
        set_cookies: Whole values of Set-Cookie headers to add to the app's answer.
        stale_session_id: The session whose token should be refreshed once the answer has been sent; None: none.
    """

    for_app: Any = field(repr=False)
    cookie_header: str = field(repr=False)
    has_session: bool
    set_cookies: tuple[str, ...] = field(default=(), repr=False)
    stale_session_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """The middleware answers itself; the wrapped app is not called.

    Attributes:
        status: HTTP status.
        headers: In order; names as written on the wire.
        body: Empty for redirects.
        reason: The stable name of the case, for the log.
        websocket_close_code: For servers that can't refuse a handshake with an HTTP answer.
    """

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    reason: str
    websocket_close_code: int = 4401


Outcome: TypeAlias = RunApp | Response


def page_response(pages: Pages, request: Request, page: Page, headers: Headers | None = None) -> Response:
    """Return a page in the reader's language; ``headers`` are those of ``pages.headers``, where it needs others."""
    language = choose_language(request.headers.get("accept-language"))
    shown = (pages.headers() if headers is None else headers) + headers_of(page, language)
    return Response(page.status, shown, pages.html(page, language), page.code)


def page_or_problem(pages: Pages, request: Request, page: Page) -> Response:
    """Return a page where a person will read it, else a problem document with the same words."""
    return (page_response if wants_page(request) else problem_response)(pages, request, page)


def problem_response(pages: Pages, request: Request, page: Page, login_url: str | None = None) -> Response:
    """Return a problem document (RFC 9457) in the reader's language, since apps show its detail as it is.

    ``login_url`` is where a login starts, if one would help.
    """
    language = choose_language(request.headers.get("accept-language"))
    title, detail = pages.words(page, language)
    body = problem_json(page.status, title, detail, type_code=page.code, login_url=login_url)
    headers = PROBLEM_HEADERS + headers_of(page, language)
    return Response(page.status, headers, body, page.code, websocket_close_code=4000 + page.status)


def json_response(status: int, content: dict[str, Any], reason: str) -> Response:
    """Return a small JSON document that nobody may keep."""
    headers = (("Content-Type", "application/json"), *PROBLEM_HEADERS[1:])
    return Response(status, headers, json.dumps(content).encode(), reason)


def headers_of(page: Page, language: str) -> Headers:
    """Return what the page says in headers too, and that it would be in another language for somebody else."""
    headers: Headers = (("Content-Language", language), ("Vary", "Accept-Language"))
    if page.status == 401:
        headers += (CHALLENGE,)
    if page.status == 405:
        headers += (("Allow", ", ".join(page.context["allowed"])),)
    if page.status == 503:
        headers += (("Retry-After", retry_after(page.context["retry_after_seconds"])),)
    return headers


def redirect(reason: str, location: str) -> Response:
    """Return a 302 to ``location``, which the caller has checked."""
    return Response(302, (("Location", location), *REDIRECT_HEADERS), b"", reason)


def retry_after(seconds: float | None) -> str:
    """Return the value of a Retry-After header (RFC 9110, 10.2.3): whole seconds, 1 where no time is known."""
    return str(max(1, math.ceil(seconds or 0)))


def with_cookies(response: Response, set_cookies: tuple[str, ...]) -> Response:
    """Return the response with Set-Cookie headers added."""
    cookies = tuple(("Set-Cookie", value) for value in set_cookies)
    return dataclasses.replace(response, headers=response.headers + cookies)
