"""Logins that follow one another within two minutes end on a page that names the cause.

FotoWeb lets somebody who has signed in there pass at once, so a browser whose session does not come about would be sent
back and forth for ever. Each login that comes to its end is counted in a cookie, for two minutes or until a logout,
whether a session was seen to work in between or not: an app can make a loop of its own with one that works.
What kept the session away is read from what the browser sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fotoweb_middleware.context import Context
from fotoweb_middleware.cookies import RequestCookies
from fotoweb_middleware.events import EventName
from fotoweb_middleware.lookup import is_within_lifetime, open_session_cookie
from fotoweb_middleware.pages import page
from fotoweb_middleware.request import Request, own_path
from fotoweb_middleware.responses import Response, page_response, with_cookies
from fotoweb_middleware.sealing import Purpose

MAX_ATTEMPTS = 3
WINDOW_SECONDS = 120
"""A slower round involves a person typing."""


@dataclass(frozen=True, slots=True)
class LoginAttempts:
    """What the browser remembers of logins that have just come to their end.

    Attributes:
        count: How many in a row.
        ended_at: Epoch seconds at which the last one did.
        characters: The length of the session's cookies that it set.
    """

    count: int
    ended_at: float
    characters: int


def count_login(context: Context, cookies: RequestCookies, session_cookies: tuple[str, ...]) -> str:
    """Return the Set-Cookie value that counts one more login; the session's own cookies tell how large they are."""
    names, attempts = cookies.names, recent_attempts(context, cookies)
    count = attempts.count + 1 if attempts is not None else 1
    counted = [count, context.clock(), sum(map(len, session_cookies))]
    value = context.sealer.seal(counted, Purpose.LOGIN, name=names.login_attempts)
    return names.write(names.login_attempts, value, max_age_seconds=WINDOW_SECONDS)


def stop_login_loop(context: Context, request: Request, cookies: RequestCookies, next_path: str) -> Response | None:
    """Return the page that ends a loop of logins, or None where there is none (yet).

    ``next_path``, where the next try leads, was checked by ``safe_next_path``.
    """
    attempts = recent_attempts(context, cookies)
    if attempts is None or attempts.count < MAX_ATTEMPTS:
        return None
    cause = find_cause(context, cookies)
    context.events.emit(
        EventName.LOGIN_LOOP, cause=cause, attempts=attempts.count, cookie_characters=attempts.characters
    )
    again = f"{own_path(context.settings, request.mount, 'login')}?{urlencode({'next': next_path})}"
    response = page_response(context.pages, request, page(cause, characters=attempts.characters, login_url=again))
    return with_cookies(response, forget_login_attempts(cookies))  # The next try counts from one again.


def forget_login_attempts(cookies: RequestCookies) -> tuple[str, ...]:
    """Return the Set-Cookie value that ends the count, where the browser has one."""
    name = cookies.names.login_attempts
    return (cookies.names.expire(name),) if name in cookies.values else ()


def recent_attempts(context: Context, cookies: RequestCookies) -> LoginAttempts | None:
    """Return the browser's count of logins, if it has one that is not too old."""
    name = cookies.names.login_attempts
    value = None if cookies.conflicting else cookies.values.get(name)
    opened = context.sealer.open(value, Purpose.LOGIN, name=name) if value else None
    match opened.value if opened is not None else None:
        case [int(count), int() | float() as ended_at, int(characters)]:
            is_recent = abs(context.clock() - ended_at) < WINDOW_SECONDS
            return LoginAttempts(count, ended_at, characters) if is_recent else None
        case _:
            return None


def find_cause(context: Context, cookies: RequestCookies) -> str:
    """Return the code of what keeps the session away, as precisely as what the browser sent can tell."""
    if not cookies.session_chunks:
        return "loop_cookie_lost"
    if not cookies.session_value:
        return "loop_cookie_torn"
    cookie = open_session_cookie(context, cookies)
    if cookie is None:
        return "loop_other_key"
    if not is_within_lifetime(context, cookie.ends_at, context.clock()):
        return "loop_clock"
    was_ended = context.session_cache.is_revoked(cookie.session_id)  # By a refusal of FotoWeb's, or a logout.
    return "loop_cache" if cookie.record is None and not was_ended else "loop_token"
