"""Answers of the token endpoint."""

from __future__ import annotations

import json
from typing import Any

from fotoweb_middleware.fotoweb.messages import HttpReply
from fotoweb_middleware.fotoweb.tokens import read_token_reply
from fotoweb_middleware.session import TokenSet

NOW = 1_750_000_000.0
ABSENT = object()


def reply(body: bytes | str, status: int = 200, retry_after: str | None = None) -> HttpReply:
    """Return an answer of the token endpoint."""
    content = body.encode() if isinstance(body, str) else body
    return HttpReply(status, retry_after, content)


def success(**changes: Any) -> HttpReply:
    """Return a good answer with members changed, or left out where they are ABSENT."""
    document = {"access_token": "AT-1", "token_type": "bearer", "expires_in": 28800, "refresh_token": "RT-1", **changes}
    return reply(json.dumps({name: value for name, value in document.items() if value is not ABSENT}))


def read(answer: HttpReply, refresh_token: str | None = None) -> TokenSet:
    """Read an answer now."""
    return read_token_reply(answer, now=NOW, refresh_token=refresh_token)
