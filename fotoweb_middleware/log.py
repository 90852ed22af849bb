"""What the log says: one record an event, one line a record, and never a secret.

Sessions are named by the first digits of a hash of their id, so that lines belong together and nobody can use them.
"""

from __future__ import annotations

import enum
import hashlib
import logging
from datetime import UTC, datetime

LOGGER = logging.getLogger("fotoweb_middleware")
MAX_TEXT_CHARACTERS = 256


class Event(enum.Enum):
    """What is worth a line, with the level it has."""

    LOGGED_IN = ("logged in", logging.INFO)
    LOGGED_OUT = ("logged out", logging.INFO)
    WEBSOCKET_CLOSED = ("WebSocket closed: its session has ended", logging.INFO)
    REFRESHED = ("token refreshed", logging.INFO)
    SESSION_REFUSED = ("FotoWeb refused the refresh token: session ended", logging.INFO)
    REFUSAL_UNCONFIRMED = (
        "FotoWeb refused the refresh token, and the session store can't tell whether it was the newest: session kept",
        logging.INFO,
    )
    STATE_REFUSED = ("callback refused", logging.WARNING)
    LOGIN_REFUSED = ("FotoWeb reported an error instead of a login", logging.WARNING)
    LOGIN_LOOP = ("login loop stopped", logging.ERROR)
    LOGIN_FAILED = ("the code could not be exchanged for tokens", logging.WARNING)
    REFRESH_FAILED = ("refresh failed: session kept", logging.WARNING)
    OPERATOR_FAULT = ("FotoWeb refuses this app: run fotoweb-middleware check", logging.ERROR)
    USER_UNKNOWN = ("GET /fotoweb/me did not identify the user", logging.WARNING)
    CROSS_ORIGIN = ("request from another origin refused: see FOTOWEB_TRUSTED_ORIGINS", logging.WARNING)
    TOO_LARGE = ("session too large for cookies: kept in the session store", logging.WARNING)


def log_event(
    event: Event, *, session_id: str | None = None, cause: object = None, **fields: str | float | None
) -> None:
    """Write one line.

    Args:
        event: What happened.
        session_id: Whose; only a hash of it is written.
        cause: An error of our own tree (they hold no secrets), or an error code.
        fields: More to tell; values are escaped and cut.
    """
    words, level = event.value
    if not LOGGER.isEnabledFor(level):
        return
    told = {"session": session_tag(session_id) if session_id else None, "cause": cause, **fields}
    rest = " ".join(f"{name}={plain(value)}" for name, value in told.items() if value is not None)
    LOGGER.log(level, "%s%s%s", words, " " if rest else "", rest, extra={"fotoweb_event": event.name.lower()})


def log_response(method: str, path: str, status: int, reason: str) -> None:
    """Write down, at DEBUG, why the middleware answered itself; the query, which may hold a code, is left out."""
    if LOGGER.isEnabledFor(logging.DEBUG):
        LOGGER.debug("%s %s -> %d %s", plain(method), plain(path), status, reason)


def readable_time(epoch_seconds: float | None) -> str | None:
    """Return a time as people read it, in UTC: ``2026-11-30T09:20:14Z``."""
    if epoch_seconds is None:
        return None
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def session_tag(session_id: str) -> str:
    """Return what stands for a session in the log."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:12]


def plain(value: object) -> str:
    """Return a text that stays on its line: quoted, everything but visible ASCII escaped, at most 256 characters."""
    text = str(value)[:MAX_TEXT_CHARACTERS]
    return text if text.isascii() and text.isprintable() and " " not in text else ascii(text)
