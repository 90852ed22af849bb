"""A session's record in the server cache: the newest version found, ends written down, what it missed saved again.

Of several versions of a session the highest wins, and a tombstone wins over all (docs/adr/0003).
What the cache missed while it was down is told to it when it is next asked.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.cookies.content import read_record, write_record
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.effects import BuryRecord, Flow, LoadRecord, SaveRecord
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.model import SessionRecord
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.journal import Event, journal

__all__ = ["CacheDown", "bury_session", "load_newest", "open_stored", "seal_record"]


@dataclass(frozen=True, slots=True)
class CacheDown:
    """Only the server cache could tell, and it did not answer."""


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
        stored, is_answered = None, False
    else:
        is_answered = True
        yield from bury_owed(site)
    if stored is not None and stored.value is None:
        site.near.bury(session_id, site.tombstone_seconds)
        if not stored.is_settled:
            yield from bury_session(site, session_id)
        return None
    known = [candidate for candidate in (record, near_record) if candidate]
    if stored is not None and all(candidate.version < stored.version for candidate in known):
        # Only what is newer is opened: it costs as much as opening the cookie did.
        known += [cached] if (cached := open_stored(site, key, stored)) else []
    if not known:
        return None
    held = site.near.adopt(max(known, key=lambda candidate: candidate.version))
    if not held.current.is_saved or (is_answered and is_behind(site, stored, held)):
        yield from save_again(site, key, held)
    site.near.note_checked(held)
    return held


def is_behind(site: Site, stored: Stored | None, held: Held) -> bool:
    """Return whether a shared cache knows less than we do: it was emptied, was down meanwhile, or holds what is lost.

    A version above ours is one that did not open.
    """
    if not site.shared_cache:
        return False
    return stored is None or not stored.is_settled or stored.version != held.record.version


def bury_session(site: Site, session_id: str) -> Flow[None]:
    """End a session here and everywhere; nothing brings it back while any cookie of it may still come."""
    site.near.bury(session_id, site.tombstone_seconds)
    try:
        yield from tell_ends(site, [session_id])
    except CacheUnavailable as error:
        journal(Event.CACHE_DOWN, session_id=session_id, cause=error)


def bury_owed(site: Site) -> Flow[None]:
    """Tell the server cache, which answers again, of sessions that ended while it was down."""
    with contextlib.suppress(CacheUnavailable):
        yield from tell_ends(site, site.near.owed_burials())


def tell_ends(site: Site, session_ids: list[str]) -> Flow[None]:
    """Tell the server cache of sessions that ended. Those of which it could not be told are owed to it.

    Raises:
        CacheUnavailable: It does not answer.
    """
    untold = list(session_ids)
    try:
        while untold:
            yield from BuryRecord(site.cache_key("session", untold[-1]), site.tombstone_seconds)
            untold.pop()
    finally:  # Also where the request went away meanwhile.
        for session_id in untold:
            site.near.owe_burial(session_id)


def save_again(site: Site, key: str, held: Held) -> Flow[None]:
    """Save what the server cache missed while it was down."""
    current = held.current
    ttl_seconds = current.record.started_at + site.settings.session_lifetime - site.clock()
    value = seal_record(site, key, current.record)
    with contextlib.suppress(CacheUnavailable):
        outcome = yield from SaveRecord(key, value, current.record.version, ttl_seconds, create=True)
        site.near.note_saved(current.record, is_saved=True)
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
