"""Which access tokens the gallery has seen, browser by browser: a new one means that the middleware got one.

An app behind the middleware is not told of refreshes, and need not care: each request carries a valid token. The
gallery looks closer than an app should. Of a token it keeps a fingerprint, never the token.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Literal

from fotoweb_middleware.log import readable_time
from fotoweb_middleware.session import Session

__all__ = ["RefreshWatch", "Sighting", "Sightings", "fingerprint"]

MOST_BROWSERS: Final = 1_000
MOST_TOKENS: Final = 50
FINGERPRINT_DIGITS: Final = 12
MOST_REFRESHES: Final = 10_000
REFRESH_LINE: Final = re.compile(r"token refreshed\b.*\bexpires_at=(\S+)")

Kind = Literal["signed in", "refreshed"]


def fingerprint(access_token: str) -> str:
    """Return the first 12 hex digits of a token's SHA-256: it changes with the token and doesn't tell it."""
    return hashlib.sha256(access_token.encode()).hexdigest()[:FINGERPRINT_DIGITS]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A token that was seen for the first time.

    Attributes:
        kind: Whether a login brought it, or a refresh.
        came_at: Epoch seconds of the refresh, or of the first request after the login.
        expires_at: Epoch seconds, or None where FotoWeb gives none.
        fingerprint: Of the token.
    """

    kind: Kind
    came_at: float
    expires_at: float | None
    fingerprint: str


class RefreshWatch(logging.Handler):
    """Remembers when refreshes happened, from the middleware's log lines. A token is recognised by its expiry."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._refreshed_at: OrderedDict[str, float] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a line that tells of a refresh."""
        match = REFRESH_LINE.match(record.getMessage())
        if match:
            self._refreshed_at[match[1]] = record.created
            while len(self._refreshed_at) > MOST_REFRESHES:
                self._refreshed_at.popitem(last=False)

    def refreshed_at(self, expires_at: float | None) -> float | None:
        """Return when a token came by a refresh, in epoch seconds; None: it came by a login."""
        logged = readable_time(expires_at)
        return None if logged is None else self._refreshed_at.get(logged)


@dataclass(slots=True)
class _Browser:
    user_id: int | None
    sightings: list[Sighting] = field(default_factory=list)


class Sightings:
    """What each browser's requests carried. Browsers are told apart by a random name in a cookie of the gallery's own.

    May be used from many threads.

    Args:
        watch: Tells a refresh from a login.
    """

    def __init__(self, watch: RefreshWatch) -> None:
        self._watch = watch
        self._lock = threading.Lock()
        self._browsers: OrderedDict[str, _Browser] = OrderedDict()

    def note(self, browser_name: str | None, session: Session, now: float) -> tuple[str, tuple[Sighting, ...]]:
        """Note a request.

        Args:
            browser_name: What the browser's cookie says; None or unknown: it gets a new name.
            session: What the request carried.
            now: Epoch seconds.

        Returns:
            The browser's name, and its sightings, newest first.
        """
        mark = fingerprint(session.access_token)
        user_id = session.user.user_id if session.user else None
        with self._lock:
            name, browser = self._find(browser_name, user_id)
            if mark not in {each.fingerprint for each in browser.sightings}:
                refreshed_at = self._watch.refreshed_at(session.expires_at)
                kind: Kind = "signed in" if refreshed_at is None else "refreshed"
                came_at = now if refreshed_at is None else refreshed_at
                browser.sightings.insert(0, Sighting(kind, came_at, session.expires_at, mark))
                del browser.sightings[MOST_TOKENS:]
            return name, tuple(browser.sightings)

    def _find(self, name: str | None, user_id: int | None) -> tuple[str, _Browser]:
        browser = self._browsers.get(name) if name else None
        if name is None or browser is None or browser.user_id != user_id:
            name, browser = secrets.token_urlsafe(16), _Browser(user_id)
            self._browsers[name] = browser
        self._browsers.move_to_end(name)
        while len(self._browsers) > MOST_BROWSERS:
            self._browsers.popitem(last=False)
        return name, browser
