"""From the browser's cookies to a session, and back: opened, looked up, noted as used, written.

In sealed mode the cookie is the session, and the store knows each session's newest version and who logged out.
In reference mode the cookie only refers to the session, which the store holds. A session too large for cookies lives in
the store in sealed mode too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from dataclasses import dataclass, field
from typing import TypeAlias

from fotoweb_middleware.context import Context
from fotoweb_middleware.cookies import (
    MAX_TOTAL_CHARACTERS,
    CookieNames,
    RequestCookies,
    all_session_values,
    split_into_chunks,
    total_characters,
)
from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.events import EventName
from fotoweb_middleware.records import StoreDown, load_newest, save_record
from fotoweb_middleware.request import Request
from fotoweb_middleware.sealing import Purpose
from fotoweb_middleware.session import SessionRecord
from fotoweb_middleware.session_cache import CachedSession
from fotoweb_middleware.setup_warnings import SetupCause
from fotoweb_middleware.stores.base import SaveOutcome

UNDER_OLD_KEY = 0
"""The version of a reference that an older key sealed: lower than any, so that it is written again."""
MAX_PLANTED = 256  # More than browsers keep for a host; each is opened.


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """What a session cookie of ours carries.

    Attributes:
        session_id: Whose session.
        ends_at: Epoch seconds after which it is none, whatever the store says.
        record: The session itself; None where the cookie only refers to it.
        version: The version it carries; None: a reference, which carries none; 0: one under an old key.
    """

    session_id: str = field(repr=False)
    ends_at: float
    record: SessionRecord | None
    version: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """The browser's session; ``cookie_version`` as in ``SessionCookie``."""

    cached: CachedSession
    cookie_version: int | None


@dataclass(frozen=True, slots=True)
class NoSession:
    """Nobody is logged in: no cookie, or one that is foreign, garbled, too old or logged out (never told which)."""


Lookup: TypeAlias = Found | NoSession | StoreDown


def look_up(context: Context, cookies: RequestCookies) -> Lookup:
    """Find the session of a request. Asks the store where ``FOTOWEB_CACHE_RECHECK`` is over; may block for a second."""
    cookie = open_session_cookie(context, cookies)
    return NoSession() if cookie is None else find_session(context, cookie)


def find_session(context: Context, cookie: SessionCookie, *, is_use: bool = True) -> Lookup:
    """Find the newest version of the session that a cookie carries or refers to. May block for a second.

    ``is_use`` says whether this counts as use, for the idle limit.
    """
    now = context.clock()
    if not is_within_lifetime(context, cookie.ends_at, now) or context.session_cache.is_revoked(cookie.session_id):
        return NoSession()
    cached = context.session_cache.get(cookie.session_id)
    if cached is None or is_recheck_due(context, cached) or cached.record.version < (cookie.version or 0):
        newest = load_newest(context, cookie.session_id, cookie.record)
        if isinstance(newest, StoreDown):
            return newest
        cached = newest
        if cached is None and cookie.record is None and not context.session_cache.is_revoked(cookie.session_id):
            context.warnings.session_missing(
                cookie.ends_at - context.settings.session_lifetime, has_pushed_out=context.store.has_pushed_out
            )
    if cached is None or now >= cached.ends_at:
        return NoSession()
    noted = note_use(context, cached, now) if is_use else cached
    return NoSession() if noted is None else Found(noted, cookie.version)


def is_recheck_due(context: Context, cached: CachedSession) -> bool:
    """Return whether the store must be asked again whether a session lives on."""
    return context.monotonic() >= cached.recheck_at


def cookie_of(context: Context, cached: CachedSession) -> SessionCookie:
    """Return what the browser's cookie carries of a session that is in use."""
    record = cached.record
    ends_at = record.started_at + context.settings.session_lifetime
    if cached.by_reference:
        return SessionCookie(record.session_id, ends_at, None, None)
    return SessionCookie(record.session_id, ends_at, record, record.version)


def open_session_cookie(context: Context, cookies: RequestCookies) -> SessionCookie | None:
    """Return what the session cookie carries, None where it is not one of ours."""
    return None if cookies.session_value is None else open_value(context, cookies.names, cookies.session_value)


def open_value(context: Context, names: CookieNames, value: str) -> SessionCookie | None:
    """Open one session cookie's value."""
    opened = context.sealer.open(value, Purpose.SESSION, name=names.session)
    if opened is None:
        context.warnings.warn(SetupCause.OTHER_KEY)
    match opened.value if opened is not None else None:
        case ["session", record_json] if context.settings.cookie_mode == "sealed":
            record = SessionRecord.from_json(record_json)
            if record is None:
                return None
            ends_at = record.started_at + context.settings.session_lifetime
            return SessionCookie(record.session_id, ends_at, record, record.version)
        case ["reference", str(session_id), int() | float() as ends_at]:
            version = None if opened is not None and opened.by_newest_key else UNDER_OLD_KEY
            return SessionCookie(session_id, ends_at, None, version)
        case _:
            return None


def is_within_lifetime(context: Context, ends_at: float, now: float) -> bool:
    """Return whether a session's lifetime is not over, and not further ahead than a clock that went back explains."""
    return now < ends_at <= now + 2 * context.settings.session_lifetime


def sent_session_ids(context: Context, request: Request, cookies: RequestCookies) -> list[str]:
    """Return the ids of the sessions whose cookies came.

    Where somebody planted another one beside, no request is let in by either; but a logout must not leave the user's
    own behind.
    """
    if not cookies.conflicting:
        cookie = open_session_cookie(context, cookies)
        return [] if cookie is None else [cookie.session_id]
    values = all_session_values(cookies.names.session, request.headers.get("cookie", ""))
    likely = (value for value in itertools.islice(values, MAX_PLANTED) if len(value) <= MAX_TOTAL_CHARACTERS)
    opened = [open_value(context, cookies.names, value) for value in likely]
    return list(dict.fromkeys(cookie.session_id for cookie in opened if cookie is not None))


def note_use(context: Context, cached: CachedSession, now: float) -> CachedSession | None:
    """Write down that the session was used, where an idle limit needs it and enough time has passed.

    The version rises by one, which tells browser and store that something changed.

    Returns:
        The session; None where it turned out that it has ended.
    """
    if now < cached.note_at:
        return cached
    record = dataclasses.replace(cached.record, version=cached.record.version + 1, seen_at=now)
    try:
        outcome = save_record(context, record, create=not cached.by_reference)
    except StoreUnavailable:
        outcome = None  # This process and the cookie know; the next request notes it again.
    if outcome is SaveOutcome.REVOKED:
        context.session_cache.revoke(record.session_id)
        return None
    noted = context.session_cache.adopt(record)
    if noted is not None:
        context.session_cache.note_checked(noted, is_saved=noted.is_saved and outcome is not None)
    return noted


def session_cookies(context: Context, cookies: RequestCookies, cached: CachedSession) -> tuple[str, ...]:
    """Return the Set-Cookie values that bring the browser's session up to date, leftovers of larger ones removed.

    Where the cookies would be too large for servers, and in reference mode, a reference stands for what the store
    holds. Where the store does not hold it, being out of reach, the browser keeps what it has: nothing is returned.
    """
    names, record = cookies.names, cached.record
    ends_at = record.started_at + context.settings.session_lifetime
    chunks: dict[str, str] | None = None
    if context.settings.cookie_mode == "sealed":
        sealed = context.sealer.seal(["session", record.to_json()], Purpose.SESSION, name=names.session)
        chunks = split_into_chunks(names.session, sealed)
        if total_characters(chunks) > MAX_TOTAL_CHARACTERS:
            if not cached.is_saved:
                return ()
            if not cached.by_reference:
                context.events.emit(EventName.TOO_LARGE, session_id=record.session_id)
            chunks = None
    cached.by_reference = chunks is None
    if chunks is None:
        value = context.sealer.seal(["reference", record.session_id, ends_at], Purpose.SESSION, name=names.session)
        chunks = {names.session: value}
    max_age_seconds = ends_at - context.clock()
    written = [names.write(name, value, max_age_seconds=max_age_seconds) for name, value in chunks.items()]
    leftovers = [name for name in cookies.session_chunks if name not in chunks]
    return (*written, *map(names.expire, leftovers))


def tag_cookie(context: Context, cookies: RequestCookies, cached: CachedSession) -> str:
    """Return the cookie that the app sees in place of ours, so that what it keys on cookies tells people apart.

    It stays the same as long as the session, and tells nothing of it.
    """
    bound = f"tag\n{context.settings.url}\n{context.settings.client_id}\n{cached.record.session_id}"
    return f"{cookies.names.tag}={hashlib.sha256(bound.encode()).hexdigest()}"


def forget_session_cookies(cookies: RequestCookies) -> tuple[str, ...]:
    """Return the Set-Cookie values that remove the session's cookies from the browser, as far as it has any."""
    return tuple(map(cookies.names.expire, cookies.session_chunks))
