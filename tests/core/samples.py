"""Settings, requests, sealers and sessions, for tests of one function at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from fotoweb_middleware import Settings
from fotoweb_middleware.cookies import CookieNames
from fotoweb_middleware.request import Request
from fotoweb_middleware.sealing import Sealer
from fotoweb_middleware.session import SessionRecord, TokenSet, User

__all__ = [
    "ANNA",
    "KEY",
    "NOW",
    "OLDER_KEY",
    "PLAIN",
    "SECURE",
    "a_record",
    "a_request",
    "a_sealer",
    "a_settings",
    "counted_entropy",
]

NOW = 1_750_000_000.0
KEY = "ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq"
OLDER_KEY = "qCiXpPaKj4sHdGf9Tu2LbW7eQkx3n8Mo1yYv5RcZ"
ANNA = User(15001, "anna", "Anna Ek", "anna@tenant.example")
SECURE = CookieNames.build("fotoweb", secure=True, same_site="lax")
PLAIN = CookieNames.build("fotoweb", secure=False, same_site="lax")


def counted_entropy() -> Callable[[int], bytes]:
    """Return a source of bytes that are different each time, and the same in every run."""
    numbers = itertools.count(1)
    return lambda count: next(numbers).to_bytes(count, "big")


def a_settings(**changes: Any) -> Settings:
    """Return good settings with changes."""
    given = {"url": "https://tenant.example", "client_id": "id", "client_secret": "a-secret", "secret_key": KEY}
    return Settings(**{**given, "cache": "memory://", **changes})


def a_request(path: str = "/", **changes: Any) -> Request:
    """Return a GET of ``path``; header names are written with underscores: ``sec_fetch_mode="cors"``."""
    known = {"method", "mount", "raw_path", "query", "scheme", "is_websocket", "has_stray_mount"}
    parts = {name: value for name, value in changes.items() if name in known}
    usual = {"method": "GET", "mount": "", "raw_path": None, "query": "", "scheme": "https"}
    headers = {name.replace("_", "-"): value for name, value in changes.items() if name not in known}
    return Request(path=path, headers={"host": "app.example", **headers}, **{**usual, **parts})


def a_sealer(*keys: str, binding: str = "https://tenant.example\nid\nfotoweb") -> Sealer:
    """Return a sealer with these keys, newest first."""
    return Sealer(keys or (KEY,), binding=binding, entropy=counted_entropy())


def a_record(**changes: Any) -> SessionRecord:
    """Return a session that began now, with a token for an hour and a refresh token."""
    tokens = TokenSet("access-1", "refresh-1", NOW, NOW + 3600)
    usual = {"session_id": "session-1", "version": 1, "tokens": tokens, "started_at": NOW, "seen_at": NOW, "user": ANNA}
    return SessionRecord(**{**usual, **changes})
