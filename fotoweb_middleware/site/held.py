"""One session in this process's memory, and each of its versions made ready for use."""

# ruff: noqa: FURB136 (every first sight makes a Version, and ``min`` would be a quarter of that)

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fotoweb_middleware.model import Session, SessionRecord

__all__ = ["CLOCK_SKEW_SECONDS", "Held", "Limits", "Version"]

CLOCK_SKEW_SECONDS = 60.0
"""A token that seems to come from further ahead shows that the clock went back."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things last, in seconds; see the settings of the same names.

    Attributes:
        refresh_leeway: How long before its end a token is renewed.
        session_lifetime: From the login on.
        session_idle: Without use; 0: any time.
        cache_recheck: After which the server cache is asked again.
        idle_step: How old ``seen_at`` may grow before use is written down anew: a twentieth of the idle limit.
            At most about once a second; infinite without an idle limit.
    """

    refresh_leeway: float
    session_lifetime: float
    session_idle: float
    cache_recheck: float = math.inf
    idle_step: float = field(init=False)

    def __post_init__(self) -> None:
        """Work out once what every version of a session asks for."""
        step = max(self.session_idle / 20, min(1.0, self.session_idle / 2)) if self.session_idle else math.inf
        object.__setattr__(self, "idle_step", step)


class Version:
    """One version of a session, made ready once.

    A refresh swaps it for the next one as a whole: a thread never sees one version's token with another's times.

    Attributes:
        record: What the cookie and the cache hold.
        session: What the app gets of it.
        stale_at: Epoch seconds from which the token should be refreshed; infinite without expiry.
        expires_at: Epoch seconds from which the token can't be used; infinite without expiry.
        ends_at: Epoch seconds at which the session ends, refreshed or not.
        note_at: Epoch seconds from which a request has to be written down, for the idle limit.
        quiet_from: Epoch seconds; before them the clock must have gone back.
        usable_until: Epoch seconds until which no request waits: the token is valid, the session goes on, no note due.
        quiet_until: Epoch seconds until which nothing is due: as ``usable_until``, and the token is fresh.
        at_once_from, at_once_until: Epoch seconds between which a request need look at nothing else: what
            ``quiet_from``, ``quiet_until`` and ``Held.recheck_at`` came to when the server cache was asked last
            (docs/adr/0027).
        bearer: The app's Authorization header, made at the first request that needs it; None before.
        bearer_pair: The same as ASGI has headers.
        spent: Whether the token was used while it had expired.
        cookies: Name to value; sealed when first needed.
        is_saved: False while the server cache, being down, does not know this version.
    """

    __slots__ = (
        "at_once_from",
        "at_once_until",
        "bearer",
        "bearer_pair",
        "cookies",
        "ends_at",
        "expires_at",
        "is_saved",
        "note_at",
        "quiet_from",
        "quiet_until",
        "record",
        "session",
        "spent",
        "stale_at",
        "usable_until",
    )

    def __init__(self, record: SessionRecord, limits: Limits) -> None:
        tokens = record.tokens
        expires_at = stale_at = math.inf if tokens.expires_at is None else tokens.expires_at
        skew_seconds = CLOCK_SKEW_SECONDS
        if tokens.refresh_token is None:  # Nothing can renew it, so much is forgiven before the session ends.
            skew_seconds = max(skew_seconds, expires_at - tokens.received_at)
        else:
            half = (expires_at - tokens.received_at) / 2
            stale_at -= half if half < limits.refresh_leeway else limits.refresh_leeway
        ends_at = record.started_at + limits.session_lifetime
        if limits.session_idle:
            ends_at = min(ends_at, record.seen_at + limits.session_idle)
        note_at = record.seen_at + limits.idle_step
        due_at = ends_at if ends_at < note_at else note_at
        self.record = record
        self.session = Session(tokens.access_token, "bearer", tokens.expires_at, record.user)
        self.stale_at = stale_at
        self.expires_at = expires_at
        self.ends_at = ends_at
        self.note_at = note_at
        self.quiet_from = tokens.received_at - skew_seconds
        self.usable_until = expires_at if expires_at < due_at else due_at
        self.quiet_until = stale_at if stale_at < due_at else due_at
        self.at_once_from, self.at_once_until = math.inf, -math.inf
        self.bearer: str | None = None
        self.bearer_pair: tuple[bytes, bytes] | None = None
        self.spent = False
        self.is_saved = True
        self.cookies: dict[str, str] | None = None


class Held:
    """One session in this process's memory. ``NearCache`` and the stages change it; doors write a bearer.

    Attributes:
        current: The newest version known here.
        live: False once it was logged out, refused, put to rest or forgotten: then it decides nothing.
        by_handle: Whether the browser's cookie is a handle, so that the server cache alone carries the session.
        recheck_at: Monotonic seconds from which the server cache must be asked again; infinite until ``checked``.
        failures: Refreshes that failed in a row.
        retry_at: Monotonic seconds before which no refresh is tried again.
        left_until: Monotonic seconds before which a stale token is left to whoever is renewing it, here or elsewhere.
        operator_error: FotoWeb's error code, where the last try failed by the operator's fault.
        identities: Of the cookies that ``NearCache`` knows of this session, the newest last.
    """

    __slots__ = (
        "by_handle",
        "current",
        "failures",
        "identities",
        "left_until",
        "live",
        "operator_error",
        "recheck_at",
        "retry_at",
    )

    def __init__(self, current: Version) -> None:
        self.current = current
        self.live = True
        self.by_handle = False
        self.recheck_at = math.inf
        self.identities: tuple[str, ...] = ()
        self.failures = 0
        self.retry_at = self.left_until = -math.inf
        self.operator_error: str | None = None

    def __repr__(self) -> str:
        """Show no token."""
        return f"Held(version={self.record.version}, live={self.live})"

    @property
    def record(self) -> SessionRecord:
        """The newest version's record."""
        return self.current.record

    @property
    def was_checked(self) -> bool:
        """Whether the server cache was asked about this version since the session was made, or woken from its rest."""
        return self.current.at_once_until > -math.inf

    def is_left(self, monotonic: float) -> bool:
        """Return whether nobody need begin to renew a stale token now: one does, or has just tried in vain."""
        return monotonic < self.left_until or monotonic < self.retry_at

    def checked(self, now: float, monotonic: float, recheck_seconds: float) -> None:
        """Note that the server cache has just been asked about this session, or could not be.

        Args:
            now: Epoch seconds.
            monotonic: Seconds of a clock that never jumps.
            recheck_seconds: How long it need not be asked again.
        """
        self.recheck_at = monotonic + recheck_seconds
        current, until = self.current, now + recheck_seconds
        current.at_once_from = now if now > current.quiet_from else current.quiet_from
        current.at_once_until = until if until < current.quiet_until else current.quiet_until

    def succeeded(self) -> None:
        """Forget failed refreshes, and whoever was at it."""
        self.failures = 0
        self.retry_at = self.left_until = -math.inf
        self.operator_error = None

    def advance(self, following: Version) -> None:
        """Go on to a newer version."""
        if following.record.tokens == self.record.tokens:
            following.spent = self.current.spent  # A note that the session was used, not a refresh.
        else:
            self.succeeded()
        self.current = following
