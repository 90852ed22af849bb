"""Session records in the store: the newest version found, revocations written down, what the store missed saved.

Of several versions of a session the highest wins, and a revocation wins over all. What the store missed while it was
out of reach is told to it when it is next asked.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from dataclasses import dataclass

from fotoweb_middleware.context import Context
from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.events import EventName
from fotoweb_middleware.sealing import Purpose
from fotoweb_middleware.session import SessionRecord
from fotoweb_middleware.session_cache import CachedSession
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock

PENDING_AT_ONCE = 20
TELL_AGAIN_SECONDS = 5.0
CLOCK_SKEW_SECONDS = 60
KIND = "session"
"""What the keys of session records begin with."""


@dataclass(frozen=True, slots=True)
class StoreDown:
    """Only the store could tell, and it did not answer."""


def session_key(context: Context, session_id: str) -> str:
    """Return where a session's record lies in the store."""
    return context.store_key(KIND, session_id)


def load_newest(context: Context, session_id: str, record: SessionRecord | None) -> CachedSession | StoreDown | None:
    """Return the newest version that cookie, memory and store know of a session; None if none does.

    ``record`` is what the cookie carries; None if it only refers to the session, so that the store alone can tell.
    """
    key = session_key(context, session_id)
    try:
        entry = context.store.load(key)
        is_answered = True
    except StoreUnavailable:
        if record is None:
            return StoreDown()
        entry, is_answered = None, False
    if is_answered:
        revoke_pending(context)
    if entry is not None and entry.is_revoked:
        context.session_cache.revoke(session_id)
        return None
    newest = newest_of(context, session_id, record, entry)
    cached = context.session_cache.adopt(newest, by_reference=record is None) if newest is not None else None
    if cached is None:
        return None
    is_behind = is_answered and (entry is None or entry.version != cached.record.version)
    if is_behind:
        cached.lost_at = context.monotonic()
        if entry is None and cached.is_saved:
            context.warnings.session_missing(
                cached.record.tokens.received_at, has_pushed_out=context.store.has_pushed_out
            )
    if is_answered and (not cached.is_saved or is_behind) and not save_again(context, cached):
        return None
    context.session_cache.note_checked(cached, is_saved=cached.is_saved)
    return cached


def newest_of(
    context: Context, session_id: str, record: SessionRecord | None, entry: StoredEntry | None
) -> SessionRecord | None:
    """Return the newest version among those of the cookie, of this process's memory and of the store."""
    known = context.session_cache.get(session_id)
    candidates = [record] if record is not None else []
    if known is not None and (record is not None or not known.is_saved):
        candidates.append(known.record)
    if entry is not None and all(candidate.version < entry.version for candidate in candidates):
        opened = open_entry(context, session_key(context, session_id), entry)  # Only what is newer is opened.
        candidates += [opened] if opened is not None else []
    return max(candidates, key=lambda candidate: candidate.version, default=None)


def save_record(context: Context, record: SessionRecord, *, create: bool, lock: StoreLock | None = None) -> SaveOutcome:
    """Save a session's record for as long as any cookie of it may come.

    Raises:
        StoreUnavailable: The store does not answer.
    """
    key = session_key(context, record.session_id)
    left_seconds = record.started_at + context.settings.session_lifetime - context.clock()
    sealed = context.sealer.seal(record.to_json(), Purpose.STORE, name=key).encode("ascii")
    ttl_seconds = max(0.0, left_seconds) + CLOCK_SKEW_SECONDS
    return context.store.save(key, sealed, version=record.version, ttl_seconds=ttl_seconds, create=create, lock=lock)


def save_again(context: Context, cached: CachedSession) -> bool:
    """Save what the store missed while it was out of reach, or lost; False where the session was revoked."""
    with contextlib.suppress(StoreUnavailable):
        outcome = save_record(context, cached.record, create=True)
        cached.is_saved = True
        if outcome is SaveOutcome.REVOKED:
            context.session_cache.revoke(cached.record.session_id)
            return False
        lock, cached.unsaved_under = cached.unsaved_under, None
        if lock is not None:
            context.store.release_lock(lock)
    return True


def open_entry(context: Context, key: str, entry: StoredEntry | None) -> SessionRecord | None:
    """Open an entry of the store; what does not open counts as lost."""
    if entry is None or entry.value is None:
        return None
    opened = context.sealer.open(entry.value.decode("latin-1"), Purpose.STORE, name=key)
    return None if opened is None else SessionRecord.from_json(opened.value)


def live_records(context: Context) -> list[SessionRecord]:
    """Return every session in the store that has not ended, the oldest login first.

    Sessions of other apps in the same store are left out: our keys don't open them.

    Raises:
        StoreUnavailable: It does not answer.
    """
    now, found = context.clock(), []
    for key in context.store.keys(f"{KIND}:"):
        record = open_entry(context, key, context.store.load(key))
        if record is not None:
            cached = CachedSession(record, context.settings, by_reference=True)
            is_spent = record.tokens.refresh_token is None and now >= cached.expires_at
            if now < cached.ends_at and not is_spent:
                found.append(record)
    return sorted(found, key=lambda record: record.started_at)


def revoke_session(context: Context, session_id: str, *, reason: str) -> None:
    """End a session here and everywhere: nothing brings it back while any cookie of it may still come.

    ``reason`` is for the event: "logout", "refused", "replaced", "not_allowed".
    """
    if not context.session_cache.is_revoked(session_id):
        context.events.emit(EventName.SESSION_ENDED, session_id=session_id, reason=reason)
    context.session_cache.revoke(session_id)
    with contextlib.suppress(StoreUnavailable):  # The store itself logs that it is out of reach; it is told later.
        tell_revocations(context, [session_id])


def revoke_pending(context: Context) -> None:
    """Tell the store, which answers again, of sessions that ended while it was out of reach."""
    with contextlib.suppress(StoreUnavailable):
        tell_revocations(context, context.session_cache.take_pending_revocations(PENDING_AT_ONCE))


def tell_revocations(context: Context, session_ids: list[str]) -> None:
    """Tell the store of sessions that ended. Those of which it could not be told stay pending.

    Raises:
        StoreUnavailable: It does not answer.
    """
    left = list(session_ids)
    try:
        while left:
            save_revocation(context, left[-1])
            left.pop()
    finally:
        if left and context.session_cache.add_pending_revocations(left):
            tell_later(weakref.ref(context))


def save_revocation(context: Context, session_id: str) -> None:
    """Tell the store that a session has ended.

    Raises:
        StoreUnavailable: It does not answer.
    """
    # Twice a session's lifetime is longer than any of its cookies may come, also where the wall clock went back.
    ttl_seconds = 2 * context.settings.session_lifetime
    context.store.revoke(session_key(context, session_id), ttl_seconds=ttl_seconds)


def tell_later(weak_context: weakref.ref[Context]) -> None:
    """Try again in some seconds: there may be no other request that asks the store by then."""

    def tell() -> None:
        context = weak_context()
        if context is not None:
            revoke_pending(context)

    timer = threading.Timer(TELL_AGAIN_SECONDS, tell)
    timer.daemon = True
    timer.start()
