"""Stage 2 of 4, after classify, before refresh: whose session is this?

The near cache answers a cookie that was verified before; else the cookie is opened and the server cache asked
(``records``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from dataclasses import dataclass, field

from fotoweb_middleware.caches.protocol import SaveOutcome
from fotoweb_middleware.cookies.header import CookieNames, OwnCookies, identity_of, read_cookies
from fotoweb_middleware.cookies.parts import MAX_TOTAL_CHARACTERS, all_values, join_parts
from fotoweb_middleware.effects import AwaitLease, Detach, Flow, SaveRecord, TakeLease
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.model import RequestView
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.origin import cookie_names
from fotoweb_middleware.stages.first_sight import SessionCookie, is_within, unseal_cookie
from fotoweb_middleware.stages.records import CacheDown, load_newest, seal_record

__all__ = [
    "Found",
    "NoSession",
    "Presented",
    "lookup",
    "lookup_now",
    "note_request",
    "open_cookie",
    "present",
    "presented_sessions",
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
        prefix, trail = self.names.login_prefix, self.names.trail
        return {name: value for name, value in self.own.values.items() if name != trail and not name.startswith(prefix)}

    @property
    def logins(self) -> dict[str, str]:
        """The cookies of logins in progress."""
        if not self.own.values:
            return {}
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


NO_COOKIES = OwnCookies({}, conflicting=False, rest=None)
NO_SESSION = NoSession()
MOST_PLANTED = 256  # More than browsers keep for a host; each is opened.
LOOK_SECONDS = 3.0
"""How long a request waits for another one's look at the server cache; every cache answers or fails sooner."""


def present(site: Site, request: RequestView) -> Presented:
    """Read our cookies from a request. One name with two values: somebody planted one, so no session."""
    names = cookie_names(site, request)
    header = request.headers.get("cookie")
    if header is None:
        return Presented(names, NO_COOKIES, None)
    own = read_cookies(header, names)
    raw = None if own.conflicting or not own.values else join_parts(names.session, own.values)
    return Presented(names, own, raw)


def lookup_now(site: Site, presented: Presented) -> Found | NoSession | None:
    """Answer from memory, or return None where ``lookup`` must be asked."""
    if not presented.raw:
        return NO_SESSION
    seen = site.near.seen(identity_of(presented.names, presented.raw))
    if seen is None:
        return None
    held = seen.held
    now = site.clock()
    if now >= held.current.ends_at or site.monotonic() >= held.recheck_at or now >= held.current.note_at:
        return None
    return Found(held, seen.version)


def lookup(site: Site, presented: Presented) -> Flow[Found | NoSession | CacheDown]:
    """Find the session of a cookie, whether it was seen before or not."""
    if (known := lookup_now(site, presented)) is not None:
        return known
    now = site.clock()
    cookie = open_cookie(site, presented)
    if cookie is None or not is_within(site, cookie.ends_at, now) or site.near.is_buried(cookie.session_id):
        return NO_SESSION
    held = woken(site, cookie) or (yield from look_once(site, cookie))
    if held is None or isinstance(held, CacheDown):
        return held or NO_SESSION
    if now >= held.current.ends_at or site.near.is_buried(cookie.session_id):
        return NO_SESSION  # One that was only put to rest, or pushed out of memory, meanwhile is as good as it was.
    held = site.near.remember(identity_of(presented.names, presented.raw or ""), held, cookie.version)
    return Found(held, cookie.version)


def woken(site: Site, cookie: SessionCookie) -> Held | None:
    """Return a session that was at rest until now, where the server cache need not be asked of it yet.

    A rest must not make that come sooner: nobody may be asked about more often than ``FOTOWEB_CACHE_RECHECK`` says.
    """
    held = site.near.find(cookie.session_id)
    if held is None or held.was_checked or site.monotonic() >= held.recheck_at or not held.current.is_saved:
        return None
    return held if not cookie.version or cookie.version == held.record.version else None


def look_once(site: Site, cookie: SessionCookie) -> Flow[Held | CacheDown | None]:
    """Ask the server cache; of all requests of this process that want the same at the same time one asks."""
    if not site.shared_cache:
        return (yield from load_newest(site, cookie.session_id, cookie.record))
    key = site.cache_key("look", cookie.session_id)
    turn = yield from TakeLease(key, LOOK_SECONDS, local_only=True)
    if turn is not None:
        return (yield from Detach(load_newest(site, cookie.session_id, cookie.record), turn))
    yield from AwaitLease(key, LOOK_SECONDS)
    held = site.near.find(cookie.session_id)
    if held is not None and site.monotonic() < held.recheck_at and held.record.version >= (cookie.version or 0):
        return held
    return (yield from load_newest(site, cookie.session_id, cookie.record))


def open_cookie(site: Site, presented: Presented) -> SessionCookie | None:
    """Return what a session cookie carries, None where it is not one of ours."""
    if not presented.raw:
        return None
    return recall_cookie(site, presented.names, presented.raw) or unseal_cookie(site, presented.names, presented.raw)


def presented_sessions(site: Site, request: RequestView, presented: Presented) -> list[str]:
    """Return the ids of the sessions whose cookies came.

    Where somebody planted another one beside, no request is let in by either; but whoever logs out must not leave
    theirs behind.
    """
    if not presented.own.conflicting:
        cookie = open_cookie(site, presented)
        return [] if cookie is None else [cookie.session_id]
    values = all_values(presented.names.session, request.headers["cookie"])
    likely = (value for value in itertools.islice(values, MOST_PLANTED) if len(value) <= MAX_TOTAL_CHARACTERS)
    opened = [unseal_cookie(site, presented.names, value) for value in likely]
    return list(dict.fromkeys(cookie.session_id for cookie in opened if cookie is not None))


def recall_cookie(site: Site, names: CookieNames, raw: str) -> SessionCookie | None:
    """Return what a session cookie carries that was opened before, without opening it again."""
    seen = site.near.seen(identity_of(names, raw))
    if seen is None:
        return None
    record, is_handle = seen.held.record, not seen.version
    ends_at = record.started_at + site.settings.session_lifetime
    return SessionCookie(record.session_id, ends_at, None if is_handle else record, seen.version)


def note_request(site: Site, held: Held) -> Flow[bool]:
    """Write down that the session was used, where an idle limit needs it and enough time has passed.

    The version rises by one, which tells browser and cache that something changed.

    Returns:
        False where the server cache has just told that the session is over: it was looked up a while ago, if the
        request waited for a new token since.
    """
    now = site.clock()
    if now < held.current.note_at:
        return True
    record = dataclasses.replace(held.record, version=held.record.version + 1, seen_at=now)
    site.near.adopt(record)
    key = site.cache_key("session", record.session_id)
    ttl_seconds = record.started_at + site.settings.session_lifetime - now
    is_sealed = site.settings.cookie_mode == "sealed"
    outcome: SaveOutcome | None = None
    with contextlib.suppress(CacheUnavailable):  # This process and the cookie know; the next request notes it again.
        outcome = yield from SaveRecord(
            key, seal_record(site, key, record), version=record.version, ttl_seconds=ttl_seconds, create=is_sealed
        )
    if outcome is not SaveOutcome.BURIED:
        return True
    site.near.bury(record.session_id, site.tombstone_seconds)
    return False
