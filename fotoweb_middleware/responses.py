"""What becomes of a request: the app runs with a session or without one, or the middleware answers itself."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fotoweb_middleware.pages import PROBLEM_HEADERS, SECURITY_HEADERS, Page, problem_json
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
class Authenticated:
    """The wrapped app runs with a session.

    Attributes:
        for_app: What the app gets, as the middleware's interface has it (``handler.ForApp``).
        set_cookies: Whole values of Set-Cookie headers to add to the app's answer.
        stale_session_id: The session whose token should be refreshed once the answer has been sent; None: none.
    """

    for_app: Any = field(repr=False)
    set_cookies: tuple[str, ...] = field(default=(), repr=False)
    stale_session_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Anonymous:
    """The wrapped app runs without a session; the attributes are those of ``Authenticated``."""

    for_app: Any = field(repr=False)
    set_cookies: tuple[str, ...] = field(default=(), repr=False)


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


Outcome: TypeAlias = Authenticated | Anonymous | Response


def page_response(page: Page, *, extra: Headers = (), headers: Headers = SECURITY_HEADERS) -> Response:
    """Return a page; ``extra`` are headers beside its own, such as Retry-After."""
    return Response(page.status, headers + extra, page.html(), page.code)


def page_or_problem(request: Request, page: Page, *, extra: Headers = ()) -> Response:
    """Return a page where a person will read it, else a problem document with the same words."""
    if wants_page(request):
        return page_response(page, extra=extra)
    return problem_response(page.status, page.title(), page.detail(), code=page.code, extra=extra)


def problem_response(  # noqa: PLR0913 (the members of a problem document)
    status: int, title: str, detail: str, *, code: str, extra: Headers = (), login_url: str | None = None
) -> Response:
    """Return a problem document (RFC 9457); ``login_url`` is where a login starts, if one would help."""
    body = problem_json(status, title, detail, type_code=code, login_url=login_url)
    return Response(status, PROBLEM_HEADERS + extra, body, code, websocket_close_code=4000 + status)


def redirect(reason: str, location: str, *, set_cookies: tuple[str, ...] = ()) -> Response:
    """Return a 302 to ``location``, which the caller has checked."""
    cookies = tuple(("Set-Cookie", value) for value in set_cookies)
    return Response(302, (("Location", location), *REDIRECT_HEADERS, *cookies), b"", reason)


def retry_after(seconds: float | None) -> str:
    """Return the value of a Retry-After header (RFC 9110, 10.2.3): whole seconds, 1 where no time is known."""
    return str(max(1, math.ceil(seconds or 0)))


def with_cookies(response: Response, set_cookies: tuple[str, ...]) -> Response:
    """Return the response with Set-Cookie headers added."""
    cookies = tuple(("Set-Cookie", value) for value in set_cookies)
    return dataclasses.replace(response, headers=response.headers + cookies)
