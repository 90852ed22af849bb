"""A session at rest: what is known of it in one row of bytes, about a quarter of what the objects around it take.

The bytes are made and read by this process (and by its forks) and never leave memory (docs/adr/0022).
What is not kept is made anew when it is needed: the times of ``Version``, sealed cookies, what they are known by. That
somebody is renewing the token is not kept either: that one has the old object, and could not say when it is over.
"""

from __future__ import annotations

import marshal

from fotoweb_middleware.model import SessionRecord, TokenSet, User
from fotoweb_middleware.site.held import Held, Limits, Version

__all__ = ["pack", "unpack"]


def pack(held: Held) -> bytes:
    """Return everything that ``unpack`` needs besides the session's id."""
    current = held.current
    record = current.record
    tokens, user = record.tokens, record.user
    return marshal.dumps(
        (
            (record.version, record.started_at, record.seen_at),
            (tokens.access_token, tokens.refresh_token, tokens.received_at, tokens.expires_at),
            None if user is None else (user.user_id, user.user_name, user.full_name, user.email),
            (current.is_saved, current.spent),
            (held.by_handle, held.recheck_at, held.failures, held.retry_at, held.operator_error),
        )
    )


def unpack(session_id: str, packed: bytes, limits: Limits) -> Held:
    """Return a session as it was when it was packed, in a new object.

    Args:
        session_id: Whose.
        packed: What ``pack`` returned.
        limits: Lifetimes, from the settings.
    """
    # Only what ``pack`` made in this process comes here, and marshal takes a tenth of the time of JSON.
    (version, started_at, seen_at), tokens, user, of_version, of_session = marshal.loads(packed)  # noqa: S302
    record = SessionRecord(
        session_id, version, TokenSet(*tokens), started_at, seen_at, None if user is None else User(*user)
    )
    current = Version(record, limits)
    current.is_saved, current.spent = of_version
    held = Held(current)
    held.by_handle, held.recheck_at, held.failures, held.retry_at, held.operator_error = of_session
    return held
