"""What a login is: the session that the app gets, and the record behind it that the cookie and the store carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SESSION_KEY", "Session", "SessionRecord", "TokenSet", "User", "get_session"]

SESSION_KEY = "fotoweb.session"
"""Where the session lies in an ASGI scope and in a WSGI environ."""


@dataclass(frozen=True, slots=True)
class User:
    """Who is logged in, as FotoWeb's API descriptor says (``GET /fotoweb/me``).

    Attributes:
        user_id: FotoWeb's numeric key of the user; unique within one FotoWeb site.
        user_name: The login name.
        full_name: May be empty.
        email: May be empty.
    """

    user_id: int
    user_name: str
    full_name: str
    email: str


@dataclass(frozen=True, slots=True)
class Session:
    """What the wrapped app sees of a login.

    Attributes:
        access_token: For ``Authorization: Bearer …``; valid for the request that carries it.
        token_type: "bearer".
        expires_at: Epoch seconds, or None where FotoWeb gave no ``expires_in``.
        user: Who it is, or None where FotoWeb did not tell.
    """

    access_token: str = field(repr=False)
    token_type: str
    expires_at: float | None
    user: User | None


@dataclass(frozen=True, slots=True)
class TokenSet:
    """The tokens of one answer of the token endpoint (RFC 6749, 5.1).

    Attributes:
        access_token: Opaque to us.
        refresh_token: None where FotoWeb issued none; never empty.
        received_at: Epoch seconds.
        expires_at: Epoch seconds, or None where no ``expires_in`` came.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    received_at: float
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session at one version. Sealed, it is what the cookie and the store hold.

    Attributes:
        session_id: New at every login, stays through refreshes. A secret in reference mode.
        version: The highest wins. A refresh raises it by 1,000,000, a note for the idle limit by 1.
        tokens: The newest tokens.
        started_at: Epoch seconds of the login.
        seen_at: Epoch seconds of the last request that was noted, for the idle limit.
        user: Who it is, where known.
    """

    session_id: str = field(repr=False)
    version: int
    tokens: TokenSet
    started_at: float
    seen_at: float
    user: User | None

    def to_json(self) -> list[Any]:
        """Return what ``from_json`` reads."""
        tokens, user = self.tokens, self.user
        return [
            self.session_id,
            self.version,
            [tokens.access_token, tokens.refresh_token, tokens.received_at, tokens.expires_at],
            self.started_at,
            self.seen_at,
            None if user is None else [user.user_id, user.user_name, user.full_name, user.email],
        ]

    @classmethod
    def from_json(cls, value: Any) -> SessionRecord | None:
        """Return the record that ``to_json`` wrote; None for anything else, such as another release's."""
        try:
            session_id, version, tokens, started_at, seen_at, user = value
            return cls(
                session_id, version, TokenSet(*tokens), started_at, seen_at, None if user is None else User(*user)
            )
        except (TypeError, ValueError):
            return None


def get_session(request: object) -> Session | None:
    """Return the session of the logged-in user, or None where nobody is logged in.

    Args:
        request: A Starlette, FastAPI, Quart, Django or Flask request, an ASGI scope, or a WSGI environ.

    Raises:
        TypeError: It is none of these.
    """
    carriers = (request, *(getattr(request, name, None) for name in ("scope", "environ", "META")))
    found = False
    for carrier in carriers:
        if isinstance(carrier, Mapping):
            found = True
            session = carrier.get(SESSION_KEY)
            if isinstance(session, Session):
                return session
    if found:
        return None
    raise TypeError(f"get_session takes a request, an ASGI scope or a WSGI environ, not {type(request).__name__}")
