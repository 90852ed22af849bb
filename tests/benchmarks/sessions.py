"""Wrapped apps with people who are logged in already, without any login: records made by hand, sealed as ours are."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import fotoweb_middleware
from fotoweb_middleware import Settings
from fotoweb_middleware.cookies.content import write_handle, write_record
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.model import SessionRecord, TokenSet, User
from fotoweb_middleware.stages.records import seal_record

__all__ = ["TOKEN_BYTES", "Wrapped", "make_record", "make_settings", "session_id_of"]

TOKEN_BYTES = 1100
"""Of both tokens together. Sealed in a cookie they make about 1.7 kB."""

SECRET_KEY = "ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq"
LIFETIME_SECONDS = 3600.0
COOKIE_NAME = "__Host-fotoweb"


def make_settings(**changes: Any) -> Settings:
    """Return settings that are the defaults, but for what has none and for ``changes``."""
    return Settings(
        **{
            "url": "https://fotoweb.test",
            "client_id": "client",
            "client_secret": "no-secret-at-all-here",
            "secret_key": SECRET_KEY,
            "redirect_uri": "https://app.test/oauth2/callback",
            **changes,
        }
    )


def session_id_of(number: int) -> str:
    """Return an id as long as real ones."""
    return f"{number:022d}"


def make_record(
    number: int, *, expires_in_seconds: float = LIFETIME_SECONDS, received_seconds_ago: float = 0
) -> SessionRecord:
    """Return somebody's session with tokens of ``TOKEN_BYTES`` together; who it is is known, as by default."""
    now = time.time() - received_seconds_ago
    half = TOKEN_BYTES // 2
    tokens = TokenSet(f"{number:a>{half}}", f"{number:r>{half}}", now, now + expires_in_seconds)
    user = User(number, f"user.{number}", f"User Number {number}", f"user.{number}@example.com")
    return SessionRecord(session_id_of(number), 1, tokens, now, now, user)


@dataclass
class Wrapped:
    """A wrapped app.

    Attributes:
        app: What is wrapped.
        is_asgi: Which door.
        changes: Settings other than the defaults.
        options: More arguments for the door.
        middleware: The door.
    """

    app: Any
    is_asgi: bool
    changes: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    middleware: Any = field(init=False)

    def __post_init__(self) -> None:
        """Wrap it."""
        # One door alone is loaded, as in an app.
        door: Any = getattr(fotoweb_middleware, f"FotoWeb{'ASGI' if self.is_asgi else 'WSGI'}Middleware")
        self.middleware = door(self.app, make_settings(**self.changes), **self.options)
        self.site = self.middleware._gate.site
        self._has_stored = False

    def prepare(self) -> None:
        """Load what calls to FotoWeb need, as servers do when they have started."""
        self.middleware._driver._client_options.load()

    def cookie(self, record: SessionRecord) -> str:
        """Return the Cookie header that a session's browser sends."""
        if self.site.settings.cookie_mode == "sealed":
            payload = write_record(record)
        else:
            payload = write_handle(record.session_id, record.started_at + self.site.settings.session_lifetime)
        return f"{COOKIE_NAME}={self.site.sealer.seal(payload, Purpose.SESSION, name=COOKIE_NAME)}"

    def store(self, records: list[SessionRecord]) -> None:
        """Put sessions into the server cache."""
        self._has_stored = True
        cache = self.middleware._driver._cache

        async def save_all() -> None:
            for record in records:
                key, value, options = self._entry(record)
                await cache.save(key, value, **options)

        if self.is_asgi:
            asyncio.get_event_loop().run_until_complete(save_all())
            return
        for record in records:
            key, value, options = self._entry(record)
            cache.save(key, value, **options)

    def _entry(self, record: SessionRecord) -> tuple[str, bytes, dict[str, Any]]:
        key = self.site.cache_key("session", record.session_id)
        return key, seal_record(self.site, key, record), {"version": 1, "ttl_seconds": LIFETIME_SECONDS, "create": True}

    def forget(self) -> None:
        """Forget everybody: as after a restart, or, where ``store`` was used, as if all had been pushed out."""
        self.site.near.start_anew(whole=False)
        self.site.near.is_complete = not self._has_stored

    def close(self) -> None:
        """Give back files and connections."""
        cache = self.middleware._driver._cache
        if self.is_asgi:
            asyncio.get_event_loop().run_until_complete(cache.aclose())
        else:
            cache.close()
