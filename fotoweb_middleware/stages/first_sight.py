"""A session cookie that this process sees for the first time: what it carries, and what may be said of it at once.

``lookup`` uses this on the long way, the shortcut on the short one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fotoweb_middleware.cookies.content import read_handle, read_record
from fotoweb_middleware.cookies.header import CookieNames
from fotoweb_middleware.model import SessionRecord
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.near import Seen

__all__ = ["SessionCookie", "is_within", "meet", "unseal_cookie"]

UNDER_OLD_KEY = 0
"""The version of a handle that an older key sealed: lower than any, so that it is written anew."""


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """What a session cookie of ours carries.

    Attributes:
        session_id: Whose session.
        ends_at: Epoch seconds after which it is none, whatever the cache says.
        record: The session itself; None where the cookie is a handle.
        version: See ``Found.cookie_version``.
    """

    session_id: str = field(repr=False)
    ends_at: float
    record: SessionRecord | None
    version: int | None


def meet(site: Site, names: CookieNames, raw: str, identity: str) -> Seen | None:
    """Recognise a session cookie that is new to this process, at once; None where ``lookup`` must be asked.

    Only where the server cache is this process's memory, and only what leaves nothing to weigh: the cookie carries the
    session, and neither memory nor cache knows more of it. As long as this process has forgotten nobody, the cache can
    know no more than the memory, and is not asked.

    Args:
        site: The wrapped app's.
        names: Our cookies' on this origin.
        raw: The session cookie's value.
        identity: What it is known by.
    """
    if site.peek is None:
        return None
    opened = site.session_openers[names.secure].open(raw)
    record = read_record(opened.payload) if opened is not None else None
    if record is None:
        return None
    now = site.clock()
    if not is_within(site, record.started_at + site.settings.session_lifetime, now):
        return None
    asks = not site.near.is_complete
    if asks:
        stored = site.peek(site.cache_key("session", record.session_id))
        if stored is not None and (stored.value is None or stored.version > record.version):
            return None
    return site.near.meet(record, identity, now, was_asked=asks)


def unseal_cookie(site: Site, names: CookieNames, raw: str) -> SessionCookie | None:
    """Return what a session cookie carries that was not opened before."""
    opened = site.session_openers[names.secure].open(raw)
    if opened is None:
        return None
    if (record := read_record(opened.payload)) is not None:
        ends_at = record.started_at + site.settings.session_lifetime
        return SessionCookie(record.session_id, ends_at, record, record.version)
    if (handle := read_handle(opened.payload)) is not None:
        session_id, ends_at = handle
        return SessionCookie(session_id, ends_at, None, None if opened.by_newest_key else UNDER_OLD_KEY)
    return None


def is_within(site: Site, ends_at: float, now: float) -> bool:
    """Return whether a session's lifetime is not over, and not further ahead than a clock that went back explains.

    Args:
        site: The wrapped app's.
        ends_at: Epoch seconds at which the session ends.
        now: Epoch seconds.
    """
    return now < ends_at <= now + 2 * site.settings.session_lifetime
