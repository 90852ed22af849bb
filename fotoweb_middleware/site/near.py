"""What this process remembers of sessions, so that a known cookie costs a dictionary lookup and nothing else.

Two rules:

1. Everything here may be forgotten at any time but tombstones, which live as long as any cookie of their session.
2. A ``Held`` that is no longer live (logged out, refused, pushed out) decides nothing: the slow way asks again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache, TLRUCache

from fotoweb_middleware.model import SessionRecord
from fotoweb_middleware.site.held import Held, Limits, Version

__all__ = ["NearCache", "Seen"]

BURIALS_AT_ONCE = 20
COOKIES_PER_SESSION = 2  # during a refresh a session's old cookie still comes while the new one is on its way


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


class NearCache:
    """Sessions by verified cookie value and by id, and tombstones.

    Args:
        size: Most sessions kept.
        limits: Lifetimes, from the settings.
        monotonic: A clock that never jumps, in seconds.
    """

    def __init__(self, size: int, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        self._limits = limits
        self._monotonic = monotonic
        self._by_cookie: LRUCache[str, Seen] = LRUCache(size * COOKIES_PER_SESSION)
        self._by_id = HeldSessions(size)
        self._owed_burials: set[str] = set()
        self._tombstones: TLRUCache[str, float] = TLRUCache(
            math.inf, ttu=lambda _key, ttl_seconds, now: now + ttl_seconds, timer=monotonic
        )

    def seen(self, raw: str) -> Seen | None:
        """Return the session of a cookie value that was verified before, if it is still live."""
        with self._lock:
            seen = self._by_cookie.get(raw)
            if seen is None or not seen.held.live:
                return None
            self._by_id.get(seen.held.record.session_id)  # It was used just now, so others are pushed out before it.
            return seen

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
                held = Held(Version(record, self._limits))
                self.note_checked(held)
                if record.session_id in self._tombstones:
                    held.live = False
                    return held
                self._by_id[record.session_id] = held
            elif record.version > held.record.version:
                held.advance(Version(record, self._limits))
                self.note_checked(held)
            return held

    def note_checked(self, held: Held) -> None:
        """Note that the shared cache has just been asked about this session, or could not be."""
        held.recheck_at = self._monotonic() + self._limits.cache_recheck

    def owe_burial(self, session_id: str) -> None:
        """Note that the server cache, being down, was not told of a session's end."""
        with self._lock:
            self._owed_burials.add(session_id)

    def owed_burials(self) -> list[str]:
        """Return the sessions of whose end the server cache is still to be told, a few at a time, and forget them."""
        if not self._owed_burials:
            return []
        with self._lock:
            return [self._owed_burials.pop() for _ in range(min(len(self._owed_burials), BURIALS_AT_ONCE))]

    def bury(self, session_id: str, ttl_seconds: float) -> None:
        """End a session in this process; nothing brings it back for ``ttl_seconds``."""
        with self._lock:
            self._tombstones[session_id] = ttl_seconds
            held = self._by_id.pop(session_id, None)
        if held is not None:
            held.live = False
