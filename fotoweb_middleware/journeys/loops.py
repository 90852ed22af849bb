"""Logins that follow one another within two minutes end on a page that names the cause.

FotoWeb lets somebody who has signed in there pass at once, so a browser whose session does not come about would be sent
to and fro for ever. Each login that comes to its end is counted in a cookie, for two minutes or until a logout, whether
a session was seen to work in between or not: an app can make a loop of its own with one that works.
What kept the session away is read from what the browser brought.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fotoweb_middleware.cookies.content import Trail, read_trail, write_trail
from fotoweb_middleware.cookies.header import expire_cookie, write_cookie
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.model import Answer, Reason, RequestView
from fotoweb_middleware.pages.login_loops import LoopCause, login_loop
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.answers import page_answer, with_cookies
from fotoweb_middleware.site.journal import Event, journal
from fotoweb_middleware.stages.first_sight import is_within
from fotoweb_middleware.stages.lookup import Presented, open_cookie

__all__ = ["count_login", "find_cause", "forget_trail", "stop_loop"]

MOST_ROUNDS = 3
TRAIL_SECONDS = 120
"""A round that takes longer has a person in it."""


def count_login(site: Site, presented: Presented, session_cookies: tuple[str, ...]) -> str:
    """Return the Set-Cookie value that counts one more login; the session's own cookies tell how large they are."""
    names, trail = presented.names, recent_trail(site, presented)
    rounds = trail.rounds + 1 if trail else 1
    counted = Trail(rounds, site.clock(), sum(len(cookie) for cookie in session_cookies))
    value = site.sealer.seal(write_trail(counted), Purpose.LOGIN, name=names.trail)
    return write_cookie(
        names.trail,
        value,
        max_age_seconds=TRAIL_SECONDS,
        secure=names.secure,
        same_site=names.login_same_site,
    )


def stop_loop(site: Site, request: RequestView, presented: Presented, target: str) -> Answer | None:
    """Return the page that ends a loop of logins, or None where there is none (yet).

    Args:
        site: The wrapped app's.
        request: Who asks.
        presented: Their cookies.
        target: Where to go after the next try, checked by ``safe_target``.
    """
    trail = recent_trail(site, presented)
    if trail is None or trail.rounds < MOST_ROUNDS:
        return None
    cause = find_cause(site, presented)
    journal(Event.LOGIN_LOOP, cause=cause.value, rounds=trail.rounds, cookie_characters=trail.characters)
    again = f"{site.path(request.mount, 'login')}?{urlencode({'next': target})}"
    page = page_answer(Reason.LOGIN_LOOP, login_loop(cause, trail.characters, again))
    return with_cookies(page, forget_trail(presented))  # The next try counts from one again.


def forget_trail(presented: Presented) -> tuple[str, ...]:
    """Return the Set-Cookie value that ends the count, where the browser has one."""
    names = presented.names
    if names.trail not in presented.own.values:
        return ()
    return (expire_cookie(names.trail, secure=names.secure, same_site=names.login_same_site),)


def recent_trail(site: Site, presented: Presented) -> Trail | None:
    """Return the browser's count of logins, if it has one that is not too old."""
    name = presented.names.trail
    value = None if presented.own.conflicting else presented.own.values.get(name)
    opened = site.sealer.open(value, Purpose.LOGIN, name=name) if value else None
    trail = read_trail(opened.payload) if opened else None
    return trail if trail is not None and abs(site.clock() - trail.ended_at) < TRAIL_SECONDS else None


def find_cause(site: Site, presented: Presented) -> LoopCause:
    """Return what keeps the session away, as precisely as what the browser brought can tell."""
    if not presented.session_parts:
        return LoopCause.COOKIE_LOST
    if not presented.raw:
        return LoopCause.COOKIE_TORN
    cookie = open_cookie(site, presented)
    if cookie is None:
        return LoopCause.OTHER_KEY
    if not is_within(site, cookie.ends_at, site.clock()):
        return LoopCause.CLOCK
    was_ended = site.near.is_buried(cookie.session_id)  # By a refusal of FotoWeb's, or a logout.
    return LoopCause.CACHE if cookie.record is None and not was_ended else LoopCause.TOKEN
