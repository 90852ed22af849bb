"""Stage 2 of 4, after classify, before refresh: whose session is this?

The near cache answers a cookie that was verified before; else the cookie is opened and the server cache asked.
Of several versions of a session the highest wins, and a tombstone wins over all (docs/adr/0003).
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.cookies.content import read_handle, read_record, write_record
from fotoweb_middleware.cookies.header import CookieNames, OwnCookies, read_cookies
from fotoweb_middleware.cookies.parts import join_parts
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.effects import BuryRecord, Flow, LoadRecord, SaveRecord
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.model import RequestView, SessionRecord
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.journal import Event, journal
from fotoweb_middleware.site.origin import cookie_names

__all__ = [
    "CacheDown",
    "Found",
    "NoSession",
    "Presented",
    "bury_session",
    "load_newest",
    "lookup",
    "lookup_now",
    "note_request",
    "open_cookie",
    "present",
    "seal_record",
]


@dataclass(frozen=True, slots=True)
class Presented:
    """What the browser showed: its own cookies of ours, and the session cookie put together again.

    Attributes:
        names: What our cookies are called on this origin.
        own: Our cookies, and the Cookie header without them.
        raw: The session cookie's sealed value; None where there is none that could be trusted.
    """

    names: CookieNames
    own: OwnCookies
    raw: str | None = field(repr=False)

    @property
    def session_parts(self) -> dict[str, str]:
        """The parts of the session cookie, whether they fit together or not."""
        prefix = self.names.login_prefix
        return {name: value for name, value in self.own.values.items() if not name.startswith(prefix)}

    @property
    def logins(self) -> dict[str, str]:
        """The cookies of logins in progress."""
        return {name: value for name, value in self.own.values.items() if name.startswith(self.names.login_prefix)}


@dataclass(frozen=True, slots=True)
class Found:
    """The browser's session.

    Attributes:
        held: As this process holds it.
        cookie_version: The version in the browser's cookie. None: a handle, which carries none;
            0: a handle under an old key, to be written anew.
    """

    held: Held
    cookie_version: int | None


@dataclass(frozen=True, slots=True)
class NoSession:
    """Nobody is logged in: no cookie, or one that is foreign, garbled, too old or logged out (never told which)."""


@dataclass(frozen=True, slots=True)
class CacheDown:
    """Only the server cache could tell, and it did not answer."""


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


NO_SESSION = NoSession()
UNDER_OLD_KEY = 0
"""The version of a handle that an older key sealed: lower than any, so that it is written anew."""


def present(site: Site, request: RequestView) -> Presented:
    """Read our cookies from a request. One name with two values: somebody planted one, so no session."""
    names = cookie_names(site, request)
    own = read_cookies(request.headers.get("cookie"), names)
    raw = None if own.conflicting or not own.values else join_parts(names.session, own.values)
    return Presented(names, own, raw)


def lookup_now(site: Site, presented: Presented) -> Found | NoSession | None:
    """Answer from memory, or return None where ``lookup`` must be asked."""
    if not presented.raw:
        return NO_SESSION
    seen = site.near.seen(presented.raw)
    if seen is None:
        return None
    held = seen.held
    now = site.clock()
    if now >= held.current.ends_at or site.monotonic() >= held.recheck_at or is_note_due(site, held, now):
        return None
    return Found(held, seen.version)


def lookup(site: Site, presented: Presented) -> Flow[Found | NoSession | CacheDown]:
    """Find the session of a cookie, whether it was seen before or not."""
    now = site.clock()
    cookie = open_cookie(site, presented)
    if cookie is None or not is_within(site, cookie, now) or site.near.is_buried(cookie.session_id):
        return NO_SESSION
    held = yield from load_newest(site, cookie.session_id, cookie.record)
    if held is None or isinstance(held, CacheDown):
        return held or NO_SESSION
    if now >= held.current.ends_at or not held.live:
        return NO_SESSION
    held.by_handle = cookie.record is None
    site.near.remember(presented.raw or "", held, cookie.version)
    return Found(held, cookie.version)


def is_within(site: Site, cookie: SessionCookie, now: float) -> bool:
    """Return whether a session's lifetime is not over, and not further ahead than a clock that went back explains."""
    return now < cookie.ends_at <= now + 2 * site.settings.session_lifetime


def open_cookie(site: Site, presented: Presented) -> SessionCookie | None:
    """Return what a session cookie carries, None where it is not one of ours."""
    opened = None
    if presented.raw:
        opened = site.sealer.open(presented.raw, Purpose.SESSION, name=presented.names.session)
    if opened is None:
        return None
    if (record := read_record(opened.payload)) is not None:
        ends_at = record.started_at + site.settings.session_lifetime
        return SessionCookie(record.session_id, ends_at, record, record.version)
    if (handle := read_handle(opened.payload)) is not None:
        session_id, ends_at = handle
        return SessionCookie(session_id, ends_at, None, None if opened.by_newest_key else UNDER_OLD_KEY)
    return None


def load_newest(site: Site, session_id: str, record: SessionRecord | None) -> Flow[Held | CacheDown | None]:
    """Return the newest version that cookie, memory and server cache know of a session; None where none does.

    Args:
        site: The wrapped app's.
        session_id: Whose.
        record: What the cookie carries; None in reference mode, where the server cache alone can tell.
    """
    near = site.near.find(session_id)
    near_record = near.record if near and (record or not near.current.is_saved) else None
    key = site.cache_key("session", session_id)
    try:
        stored = yield from LoadRecord(key)
    except CacheUnavailable:
        if record is None:
            return CacheDown()
        stored = None
    else:
        yield from bury_owed(site)
    if stored is not None and stored.value is None:
        site.near.bury(session_id, site.tombstone_seconds)
        return None
    cached = open_stored(site, key, stored)
    known = [candidate for candidate in (record, near_record, cached) if candidate]
    if not known:
        return None
    held = site.near.adopt(max(known, key=lambda candidate: candidate.version))
    if not held.current.is_saved:
        yield from save_again(site, key, held)
    site.near.note_checked(held)
    return held


def bury_session(site: Site, session_id: str) -> Flow[None]:
    """End a session here and everywhere; nothing brings it back while any cookie of it may still come."""
    ttl_seconds = site.tombstone_seconds
    site.near.bury(session_id, ttl_seconds)
    try:
        yield from BuryRecord(site.cache_key("session", session_id), ttl_seconds)
    except CacheUnavailable as error:
        journal(Event.CACHE_DOWN, session_id=session_id, cause=error)
        site.near.owe_burial(session_id)


def bury_owed(site: Site) -> Flow[None]:
    """Tell the server cache, which answers again, of sessions that ended while it was down."""
    for session_id in site.near.owed_burials():
        try:
            yield from BuryRecord(site.cache_key("session", session_id), site.tombstone_seconds)
        except CacheUnavailable:
            site.near.owe_burial(session_id)


def save_again(site: Site, key: str, held: Held) -> Flow[None]:
    """Save what the server cache missed while it was down."""
    current = held.current
    ttl_seconds = current.record.started_at + site.settings.session_lifetime - site.clock()
    value = seal_record(site, key, current.record)
    with contextlib.suppress(CacheUnavailable):
        outcome = yield from SaveRecord(key, value, current.record.version, ttl_seconds, create=True)
        current.is_saved = True
        if outcome is SaveOutcome.BURIED:
            site.near.bury(current.record.session_id, site.tombstone_seconds)


def open_stored(site: Site, key: str, stored: Stored | None) -> SessionRecord | None:
    """Open a cache entry; what does not open counts as lost."""
    if stored is None or stored.value is None:
        return None
    try:
        text = stored.value.decode("ascii")
    except UnicodeDecodeError:
        return None
    opened = site.sealer.open(text, Purpose.CACHE, name=key)
    return read_record(opened.payload) if opened else None


def seal_record(site: Site, key: str, record: SessionRecord) -> bytes:
    """Return a session record as the cache keeps it; it opens under this key alone."""
    return site.sealer.seal(write_record(record), Purpose.CACHE, name=key).encode("ascii")


def note_request(site: Site, held: Held) -> Flow[None]:
    """Write down that the session was used, where an idle limit needs it and enough time has passed.

    The version rises by one, which tells browser and cache that something changed.
    """
    now = site.clock()
    if not is_note_due(site, held, now):
        return
    record = dataclasses.replace(held.record, version=held.record.version + 1, seen_at=now)
    site.near.adopt(record)
    key = site.cache_key("session", record.session_id)
    ttl_seconds = record.started_at + site.settings.session_lifetime - now
    is_sealed = site.settings.cookie_mode == "sealed"
    with contextlib.suppress(CacheUnavailable):  # This process and the cookie know; the next request notes it again.
        yield from SaveRecord(
            key, seal_record(site, key, record), version=record.version, ttl_seconds=ttl_seconds, create=is_sealed
        )


def is_note_due(site: Site, held: Held, now: float) -> bool:
    """Return whether the idle limit needs this request written down."""
    return now - held.record.seen_at >= site.idle_step_seconds
