"""What this process remembers of sessions, so that a known cookie costs a dictionary lookup and nothing else.

Two rules:

1. Everything here may be forgotten at any time but tombstones, which live as long as any cookie of their session.
2. A ``Held`` that is no longer live (logged out, refused, pushed out) decides nothing: the slow way asks again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import LRUCache, TLRUCache

from fotoweb_middleware.model import Session, SessionRecord

__all__ = ["Held", "NearCache", "Seen"]

COOKIES_PER_SESSION = 2  # during a refresh a session's old cookie still comes while the new one is on its way


class Held:
    """One session in this process's memory. Changed only by ``NearCache`` and the refresh stage.

    Attributes:
        record: The newest version known here.
        session: What the app gets of it, made once per version.
        stale_at: Epoch seconds from which the token should be refreshed; infinite without expiry.
        expires_at: Epoch seconds from which the token can't be used; infinite without expiry.
        ends_at: Epoch seconds at which the session ends, refreshed or not.
        recheck_at: Monotonic seconds from which the shared cache must be asked again; infinite without one.
        live: False once it was logged out, refused or pushed out of memory.
        spent: Whether a token that was born expired has had its one use.
        failures: Refreshes that failed in a row.
        retry_at: Monotonic seconds before which no refresh is tried again.
        operator_error: FotoWeb's error code, where the last try failed by the operator's fault.
        cookie_values: Sealed once per version: cookie name to value.
        by_handle: Whether those are a handle, so that the server cache alone carries the session.
    """

    __slots__ = (
        "by_handle",
        "cookie_values",
        "ends_at",
        "expires_at",
        "failures",
        "live",
        "operator_error",
        "recheck_at",
        "record",
        "retry_at",
        "session",
        "spent",
        "stale_at",
    )

    record: SessionRecord
    session: Session
    stale_at: float
    expires_at: float
    ends_at: float
    recheck_at: float
    live: bool
    spent: bool
    failures: int
    retry_at: float
    operator_error: str | None
    cookie_values: dict[str, str] | None
    by_handle: bool

    def __init__(self, record: SessionRecord) -> None:
        self.live = True
        self.failures = 0
        self.retry_at = -math.inf
        self.operator_error = None
        self.recheck_at = math.inf
        self.record = record

    def __repr__(self) -> str:
        """Show no token."""
        return f"Held(version={self.record.version}, live={self.live})"


@dataclass(frozen=True, slots=True)
class Seen:
    """A cookie value that was verified before.

    Attributes:
        held: Its session.
        version: The session's version that the cookie carries; None: a handle, which carries none.
    """

    held: Held
    version: int | None


class HeldSessions(LRUCache[str, Held]):
    """Sessions by id; one that is pushed out is marked, since cookies may still point to it."""

    def popitem(self) -> tuple[str, Held]:
        """Drop the session that was not used for longest."""
        session_id, held = super().popitem()
        held.live = False
        return session_id, held


@dataclass(frozen=True, slots=True)
class Ages:
    """How long things last, in seconds; see the settings of the same names."""

    refresh_leeway: float
    session_lifetime: float
    session_idle: float
    cache_recheck: float = field(default=math.inf)


class NearCache:
    """Sessions by verified cookie value and by id, and tombstones.

    Args:
        size: Most sessions kept.
        ages: Lifetimes, from the settings.
        monotonic: A clock that never jumps, in seconds.
    """

    def __init__(self, size: int, ages: Ages, monotonic: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        self._ages = ages
        self._monotonic = monotonic
        self._by_cookie: LRUCache[str, Seen] = LRUCache(size * COOKIES_PER_SESSION)
        self._by_id = HeldSessions(size)
        self._tombstones: TLRUCache[str, float] = TLRUCache(
            math.inf, ttu=lambda _key, ttl_seconds, now: now + ttl_seconds, timer=monotonic
        )

    def seen(self, raw: str) -> Seen | None:
        """Return the session of a cookie value that was verified before, if it is still live."""
        with self._lock:
            seen = self._by_cookie.get(raw)
        return seen if seen is not None and seen.held.live else None

    def remember(self, raw: str, held: Held, version: int | None) -> None:
        """Note that a cookie value was verified."""
        with self._lock:
            self._by_cookie[raw] = Seen(held, version)

    def find(self, session_id: str) -> Held | None:
        """Return the session with this id, if it is known and live."""
        with self._lock:
            held = self._by_id.get(session_id)
        return held if held is not None and held.live else None

    def is_buried(self, session_id: str) -> bool:
        """Return whether this session was logged out or refused, as far as this process knows."""
        with self._lock:
            return session_id in self._tombstones

    def adopt(self, record: SessionRecord) -> Held:
        """Keep the highest version of a session and return what is held of it now.

        What was buried is not held again: the result is then not live.
        """
        with self._lock:
            held = self._by_id.get(record.session_id)
            if held is None or not held.live:
                held = Held(record)
                self._prepare(held, record)
                if record.session_id in self._tombstones:
                    held.live = False
                    return held
                self._by_id[record.session_id] = held
            elif record.version > held.record.version:
                self._prepare(held, record)
            return held

    def checked(self, held: Held) -> None:
        """Note that the shared cache has just been asked about this session, or could not be."""
        held.recheck_at = self._monotonic() + self._ages.cache_recheck

    def bury(self, session_id: str, ttl_seconds: float) -> None:
        """End a session in this process; nothing brings it back for ``ttl_seconds``."""
        with self._lock:
            self._tombstones[session_id] = ttl_seconds
            held = self._by_id.pop(session_id, None)
        if held is not None:
            held.live = False

    def _prepare(self, held: Held, record: SessionRecord) -> None:
        ages, tokens = self._ages, record.tokens
        held.expires_at = math.inf if tokens.expires_at is None else tokens.expires_at
        lifetime = held.expires_at - tokens.received_at
        leeway = ages.refresh_leeway if lifetime == math.inf else min(ages.refresh_leeway, lifetime / 2)
        held.stale_at = held.expires_at - leeway if tokens.refresh_token else held.expires_at
        held.ends_at = record.started_at + ages.session_lifetime
        if ages.session_idle:
            held.ends_at = min(held.ends_at, record.seen_at + ages.session_idle)
        held.session = Session(tokens.access_token, "bearer", tokens.expires_at, record.user)
        held.spent = False
        held.cookie_values = None
        held.by_handle = False
        held.failures = 0
        held.retry_at = -math.inf
        held.operator_error = None
        held.record = record
        self.checked(held)
