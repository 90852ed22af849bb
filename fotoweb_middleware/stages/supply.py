"""Stage 4 of 4, after refresh: what the wrapped app gets of the session, and what the browser must be told."""

from __future__ import annotations

from fotoweb_middleware.cookies.content import write_handle, write_record
from fotoweb_middleware.cookies.header import CookieNames, expire_cookie, write_cookie
from fotoweb_middleware.cookies.parts import MAX_TOTAL_CHARACTERS, split_value, total_characters
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.model import Admit, Reason
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.journal import Event, journal
from fotoweb_middleware.stages.lookup import Found, Presented
from fotoweb_middleware.stages.refresh import Age, age_of

__all__ = ["forget_session", "session_cookies", "supply"]


def supply(site: Site, presented: Presented, found: Found, *, was_renewed: bool = False) -> Admit:
    """Admit the request with the session's valid token; refresh a stale one after the answer."""
    held = found.held
    current = held.current
    age = age_of(held, site.clock())
    set_cookies: tuple[str, ...] = ()
    if found.cookie_version is not None and found.cookie_version < current.record.version:
        set_cookies = session_cookies(site, presented, held)
    is_stale = age is Age.STALE and not was_renewed and not held.is_left(site.monotonic())
    return Admit(
        reason=Reason.REFRESHED if was_renewed else Reason.STALE if is_stale else Reason.FRESH,
        session=current.session,
        cookie_header=presented.own.rest,
        set_cookies=set_cookies,
        renew_session_id=held.record.session_id if is_stale else None,
    )


def session_cookies(site: Site, presented: Presented, held: Held) -> tuple[str, ...]:
    """Return the Set-Cookie values that bring the browser's session up to date, leftovers of larger ones removed."""
    names, current = presented.names, held.current
    if not current.cookies or names.session not in current.cookies:
        current.cookies = seal_cookies(site, names, held)
    if not current.cookies:
        return ()
    max_age_seconds = current.record.started_at + site.settings.session_lifetime - site.clock()
    written = [
        write_cookie(name, value, max_age_seconds=max_age_seconds, secure=names.secure, same_site=names.same_site)
        for name, value in current.cookies.items()
    ]
    leftovers = [name for name in presented.session_parts if name not in current.cookies]
    return (*written, *(expired(name, names) for name in leftovers))


def seal_cookies(site: Site, names: CookieNames, held: Held) -> dict[str, str]:
    """Seal the session's cookies, and set ``held.by_handle``.

    Where they would be too large for servers, and in reference mode, a handle stands for what the server cache holds.
    Where the cache does not hold it, being down, the browser keeps what it has: nothing is returned.
    """
    current = held.current
    if site.settings.cookie_mode == "sealed":
        sealed = site.sealer.seal(write_record(current.record), Purpose.SESSION, name=names.session)
        values = split_value(names.session, sealed)
        if total_characters(values) <= MAX_TOTAL_CHARACTERS:
            held.by_handle = False
            return values
        if not current.is_saved:
            return {}
        if not held.by_handle:
            journal(Event.TOO_LARGE, session_id=current.record.session_id)
    held.by_handle = True
    handle = write_handle(current.record.session_id, current.record.started_at + site.settings.session_lifetime)
    return {names.session: site.sealer.seal(handle, Purpose.SESSION, name=names.session)}


def forget_session(presented: Presented) -> tuple[str, ...]:
    """Return the Set-Cookie values that remove the session's cookies from the browser, as far as it has any."""
    return tuple(expired(name, presented.names) for name in presented.session_parts)


def expired(name: str, names: CookieNames) -> str:
    """Return the Set-Cookie value that removes one part of the session cookie."""
    return expire_cookie(name, secure=names.secure, same_site=names.same_site)
