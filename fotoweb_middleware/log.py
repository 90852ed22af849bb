"""How lines of the log are written: one line a record, and never a secret. What is told is in ``events``.

Sessions are named by the first digits of a hash of their id, so that lines belong together and nobody can use them.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime

LOGGER = logging.getLogger("fotoweb_middleware")
MAX_TEXT_CHARACTERS = 256


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
