"""What one process remembers of sessions, so that the same cookies again cost one look into a dictionary.

Two rules:

1. Everything here may be forgotten at any time but revocations, which live as long as any cookie of their session.
2. ``find`` takes no lock, does no I/O and believes nothing but our own cookies as they stood in a Cookie header that
   was verified before (``cookies.split_header``): with a single changed byte everything is verified again. All else in
   the header is the app's, and may change with every request, as cookies of analytics do.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any

from cachetools import LRUCache, TTLCache

from fotoweb_middleware.session import SessionRecord
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import StoreLock

MAX_OWN_CHARACTERS = 16_384
"""More than our cookies ever take; who is signed in could fill the memory with names like ours."""
CLOCK_SKEW_SECONDS = 60.0
"""A token that seems to come from further ahead shows that the clock went back."""
MAX_USED_STATES = 10_000
STATE_SECONDS = 660.0
MARGIN_SECONDS = 5.0
"""A token with less than this left, or a tenth of its lifetime, would expire in the app's hands."""


@dataclass(slots=True, eq=False, repr=False)
class CachedSession:
    """One version of a session, and what this process knows of it. A newer version is a new object.

    Attributes:
        record: What the cookie and the store hold.
        by_reference: Whether the browser's cookie only refers to the session, so that the store alone carries it.
        is_authorized: Whether this process knows that its user may enter.
        is_saved: False while the store, being out of reach, does not know this version.
        unsaved_under: The lock of the refresh that brought a version that could not be saved. Until it is saved, the
            lock keeps others from using the old refresh token, which the store still shows.
        lost_at: Monotonic seconds at which the store turned out to have lost or missed it; minus infinity: never.
        fresh_from: Epoch seconds; before them the clock must have gone back.
        stale_at: Epoch seconds from which the token should be refreshed; infinite without a known expiry.
        refresh_at: Epoch seconds from which requests wait for a new token: it has expired, or is about to.
        expires_at: Epoch seconds from which the token can't be used; infinite without a known expiry.
        ends_at: Epoch seconds at which the session ends, refreshed or not.
        note_at: Epoch seconds from which a request has to be noted, for the idle limit.
        checked_at, checked_until: Epoch seconds at which the store was asked about it, and until when that holds.
        refresh_due_at: Epoch seconds from which a request starts a refresh after its answer.
        due_at: Epoch seconds until which nothing is due, counted from ``checked_at``.
        recheck_at: Monotonic seconds from which the store must be asked again.
        failures: Refreshes that failed in a row.
        retry_at: Monotonic seconds before which no refresh is tried again.
        operator_error: FotoWeb's error code, where the last try failed by the operator's fault.
        refused_at: Monotonic seconds at which FotoWeb's API refused the token although it was new; minus infinity:
            never.
        used_expired: Whether the token was used while it had expired.
        known_cookies: The cookies by which ``SessionCache.find`` knows it, for Secure and for plain names.
    """

    record: SessionRecord
    settings: InitVar[Settings]
    _: KW_ONLY
    by_reference: bool
    is_authorized: bool = False
    is_saved: bool = True
    unsaved_under: StoreLock | None = None
    lost_at: float = -math.inf
    fresh_from: float = field(init=False)
    stale_at: float = field(init=False)
    refresh_at: float = field(init=False)
    expires_at: float = field(init=False)
    ends_at: float = field(init=False)
    note_at: float = math.inf
    checked_at: float = math.inf
    checked_until: float = -math.inf
    refresh_due_at: float = field(init=False)
    due_at: float = -math.inf
    recheck_at: float = -math.inf
    failures: int = 0
    retry_at: float = -math.inf
    operator_error: str | None = None
    refused_at: float = -math.inf
    used_expired: bool = False
    known_cookies: tuple[tuple[bool, str], ...] = ()

    def __post_init__(self, settings: Settings) -> None:
        record, tokens = self.record, self.record.tokens
        expires_at = math.inf if tokens.expires_at is None else tokens.expires_at
        lifetime_seconds = expires_at - tokens.received_at
        if tokens.refresh_token is None:  # Nothing can renew it: it is used to its end, whatever the clock says.
            self.fresh_from = tokens.received_at - max(CLOCK_SKEW_SECONDS, lifetime_seconds)
            self.stale_at = self.refresh_at = expires_at
        else:
            self.fresh_from = tokens.received_at - CLOCK_SKEW_SECONDS
            self.refresh_at = expires_at - min(MARGIN_SECONDS, lifetime_seconds / 10)
            self.stale_at = min(expires_at - min(settings.refresh_leeway, lifetime_seconds / 2), self.refresh_at)
        self.expires_at, self.refresh_due_at = expires_at, self.stale_at
        self.ends_at = record.started_at + settings.session_lifetime
        if settings.session_idle:
            self.ends_at = min(self.ends_at, record.seen_at + settings.session_idle)
            self.note_at = record.seen_at + max(settings.session_idle / 20, min(1.0, settings.session_idle / 2))

    def __repr__(self) -> str:
        """Show no token."""
        return f"CachedSession(version={self.record.version})"

    def is_stale(self, now: float) -> bool:
        """Return whether the token is valid, and should be refreshed once the request is answered."""
        return self.stale_at <= now and not self.must_refresh(now)

    def must_refresh(self, now: float) -> bool:
        """Return whether a request has to wait for a new token. A clock that went back tells nothing of its end."""
        return now < self.fresh_from or now >= self.refresh_at

    def postpone_refresh(self, until: float) -> None:
        """Let a stale token be used up to ``until`` (epoch seconds): a refresh is under way, or has just failed."""
        self.refresh_due_at = min(max(until, self.stale_at), self.refresh_at)
        self.set_due()

    def set_due(self) -> None:
        """Work ``due_at`` out anew."""
        self.due_at = min(self.checked_until, self.refresh_due_at, self.ends_at, self.note_at)


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What is known of the cookies of ours in a request.

    Attributes:
        cached: Their session.
        for_app: What the app gets, as the middleware's interface has it; made once, and never changed.
        kept_and_tag: What the app gets in their place in its Cookie header.
    """

    cached: CachedSession
    for_app: Any = field(repr=False)
    kept_and_tag: str = field(repr=False)


class SessionCache:
    """Sessions by cookies and by id, and revocations.

    Args:
        settings: For the size and the lifetimes.
        clock: Epoch seconds.
        monotonic: Seconds of a clock that never jumps.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self.clear()
        forks.register(self)

    def clear(self) -> None:
        """Begin with nothing, not even revocations, while nobody else uses the cache."""
        self._lock = threading.Lock()
        self._sessions = SessionsById(self._settings.cache_size, self._forget_cookies)
        # An origin knows either the Secure cookie names or the plain ones: a cookie of one means nothing on the other.
        self._by_cookies: dict[bool, dict[str, KnownRequest]] = {True: {}, False: {}}
        # Twice a session's lifetime is longer than any of its cookies may come, also where the wall clock went back.
        revoked_seconds = 2 * self._settings.session_lifetime
        self._revoked: TTLCache[str, None] = TTLCache(math.inf, revoked_seconds, timer=self._monotonic)
        self._pending_revocations: set[str] = set()
        self._used_states: TTLCache[str, None] = TTLCache(MAX_USED_STATES, STATE_SECONDS, timer=self._monotonic)

    def after_fork_in_child(self) -> None:
        """Go on with what the parent knew, or, where a thread was changing it at the fork, with nothing."""
        if not self._lock.acquire(blocking=False):
            self.clear()
        self._lock = threading.Lock()

    def find(self, own: str, *, secure: bool) -> KnownRequest | None:
        """Return what is known of a request's own cookies, where their session's token is fresh and nothing is due.

        Args:
            own: As ``cookies.split_header`` returns them.
            secure: Whether our cookies are Secure on this origin.
        """
        known = self._by_cookies[secure].get(own)
        if known is None:
            return None
        cached = known.cached
        return known if cached.checked_at <= self._clock() < cached.due_at else None

    def get(self, session_id: str) -> CachedSession | None:
        """Return the newest version known of a session; it is then the one used last."""
        with self._lock:
            return self._sessions.get(session_id)

    def adopt(self, record: SessionRecord, *, by_reference: bool | None = None) -> CachedSession | None:
        """Keep the highest version of a session and return what is known of it now; None where it was revoked.

        Args:
            record: A version that is known to be genuine.
            by_reference: See ``CachedSession``; None: as it was before.
        """
        session_id = record.session_id
        with self._lock:
            if session_id in self._revoked:
                return None
            known = self._sessions.get(session_id)
            if known is not None and known.record.version >= record.version:
                return known
            if by_reference is None:
                by_reference = known.by_reference if known is not None else self._settings.cookie_mode == "reference"
            newer = CachedSession(record, self._settings, by_reference=by_reference)
            if known is not None:
                self._forget_cookies(known)
                newer.is_authorized = known.is_authorized
                if known.record.tokens == record.tokens:  # A note that the session was used, not a refresh.
                    newer.failures, newer.retry_at, newer.lost_at = known.failures, known.retry_at, known.lost_at
                    newer.operator_error, newer.used_expired = known.operator_error, known.used_expired
            self._sessions[session_id] = newer
            return newer

    def note_checked(self, cached: CachedSession, *, is_saved: bool) -> None:
        """Note that the store has just been asked about a session, and whether it knows this version."""
        cached.is_saved = is_saved
        now, recheck_seconds = self._clock(), self._settings.cache_recheck
        cached.recheck_at = self._monotonic() + recheck_seconds
        cached.checked_at, cached.checked_until = max(now, cached.fresh_from), now + recheck_seconds
        cached.set_due()

    def remember(self, own: str, known: KnownRequest, *, secure: bool) -> None:
        """Note what verified cookies carry, a session at its newest version, in place of those known before.

        ``own`` and ``secure`` are as in ``find``.
        """
        if len(own) > MAX_OWN_CHARACTERS:
            return
        cached = known.cached
        with self._lock:
            if self._sessions.get(cached.record.session_id) is not cached:
                return  # A newer version, or a logout, came meanwhile.
            for is_secure, before in cached.known_cookies:
                if is_secure is secure:
                    self._by_cookies[secure].pop(before, None)
            others = tuple(each for each in cached.known_cookies if each[0] is not secure)
            cached.known_cookies = (*others, (secure, own))
            self._by_cookies[secure][own] = known

    def revoke(self, session_id: str) -> None:
        """End a session in this process: nothing brings it back."""
        with self._lock:
            self._revoked[session_id] = None
            cached = self._sessions.pop(session_id, None)
            if cached is not None:
                self._forget_cookies(cached)

    def is_revoked(self, session_id: str) -> bool:
        """Return whether a session was logged out or refused, as far as this process knows."""
        with self._lock:
            return session_id in self._revoked

    def use_state_once(self, key: str) -> bool:
        """Return True to the first caller with this key: while the store is out of reach, nobody else can tell."""
        with self._lock:
            if key in self._used_states:
                return False
            self._used_states[key] = None
            return True

    def add_pending_revocations(self, session_ids: list[str]) -> bool:
        """Note that the store, being out of reach, was not told of these ends; return whether they are the first."""
        with self._lock:
            is_first = not self._pending_revocations
            self._pending_revocations.update(session_ids)
            return is_first

    def take_pending_revocations(self, most: int) -> list[str]:
        """Return some of the sessions of whose end the store is still to be told, and forget them."""
        if not self._pending_revocations:
            return []
        with self._lock:
            return [self._pending_revocations.pop() for _ in range(min(most, len(self._pending_revocations)))]

    def _forget_cookies(self, cached: CachedSession) -> None:
        for secure, own in cached.known_cookies:
            self._by_cookies[secure].pop(own, None)
        cached.known_cookies = ()


class SessionsById(LRUCache[str, CachedSession]):
    """The sessions that this process remembers; the one not used for longest is forgotten first.

    Args:
        size: Most sessions kept.
        forget: Called with each one that is pushed out.
    """

    def __init__(self, size: int, forget: Callable[[CachedSession], None]) -> None:
        super().__init__(size)
        self._forget = forget

    def popitem(self) -> tuple[str, CachedSession]:
        """Push out the session not used for longest."""
        session_id, cached = super().popitem()
        self._forget(cached)
        return session_id, cached
