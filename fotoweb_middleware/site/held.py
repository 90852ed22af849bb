"""One session in this process's memory, and each of its versions made ready for use."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fotoweb_middleware.model import Session, SessionRecord

__all__ = ["Held", "Limits", "Version"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things last, in seconds; see the settings of the same names."""

    refresh_leeway: float
    session_lifetime: float
    session_idle: float
    cache_recheck: float = math.inf


class Version:
    """One version of a session, made ready once.

    A refresh swaps it for the next one as a whole: a thread never sees one version's token with another's times.

    Attributes:
        record: What the cookie and the cache hold.
        session: What the app gets of it.
        stale_at: Epoch seconds from which the token should be refreshed; infinite without expiry.
        expires_at: Epoch seconds from which the token can't be used; infinite without expiry.
        ends_at: Epoch seconds at which the session ends, refreshed or not.
        spent: Whether the token was used while it had expired.
        cookies: Name to value; sealed when first needed.
        is_saved: False while the server cache, being down, does not know this version.
    """

    __slots__ = ("cookies", "ends_at", "expires_at", "is_saved", "record", "session", "spent", "stale_at")

    def __init__(self, record: SessionRecord, limits: Limits) -> None:
        tokens = record.tokens
        self.record = record
        self.session = Session(tokens.access_token, "bearer", tokens.expires_at, record.user)
        self.expires_at = math.inf if tokens.expires_at is None else tokens.expires_at
        self.stale_at = self.expires_at
        if tokens.refresh_token is not None and tokens.expires_at is not None:
            self.stale_at -= min(limits.refresh_leeway, (tokens.expires_at - tokens.received_at) / 2)
        self.ends_at = record.started_at + limits.session_lifetime
        if limits.session_idle:
            self.ends_at = min(self.ends_at, record.seen_at + limits.session_idle)
        self.spent = False
        self.is_saved = True
        self.cookies: dict[str, str] | None = None


class Held:
    """One session in this process's memory. Changed only by ``NearCache`` and the stages.

    Attributes:
        current: The newest version known here.
        live: False once it was logged out, refused or pushed out of memory: then it decides nothing.
        by_handle: Whether the browser's cookie is a handle, so that the server cache alone carries the session.
        recheck_at: Monotonic seconds from which the shared cache must be asked again; infinite without one.
        failures: Refreshes that failed in a row.
        retry_at: Monotonic seconds before which no refresh is tried again.
        operator_error: FotoWeb's error code, where the last try failed by the operator's fault.
    """

    __slots__ = ("by_handle", "current", "failures", "live", "operator_error", "recheck_at", "retry_at")

    def __init__(self, current: Version) -> None:
        self.current = current
        self.live = True
        self.by_handle = False
        self.recheck_at = math.inf
        self.succeeded()

    def __repr__(self) -> str:
        """Show no token."""
        return f"Held(version={self.record.version}, live={self.live})"

    @property
    def record(self) -> SessionRecord:
        """The newest version's record."""
        return self.current.record

    def succeeded(self) -> None:
        """Forget failed refreshes."""
        self.failures = 0
        self.retry_at = -math.inf
        self.operator_error: str | None = None

    def advance(self, following: Version) -> None:
        """Go on to a newer version."""
        if following.record.tokens == self.record.tokens:
            following.spent = self.current.spent  # A note that the session was used, not a refresh.
        else:
            self.succeeded()
        self.current = following
