"""A login: the session that the app gets, and the record behind it in the cookie and the store."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fotoweb_middleware.errors import NotSignedIn
from fotoweb_middleware.log import LOGGER

__all__ = ["SESSION_KEY", "Session", "SessionRecord", "TokenSet", "User", "get_session", "require_session"]

SESSION_KEY = "fotoweb.session"
"""Where the session lies in an ASGI scope and in a WSGI environ."""
URLS_KEY = "fotoweb.urls"
"""Where ``urls.Urls`` lies there: in every request that came through the middleware, with a session or without."""


NO_MIDDLEWARE = (
    "this request did not come through the FotoWeb middleware, so nobody is signed in: wrap the app with "
    "FotoWebASGIMiddleware or FotoWebWSGIMiddleware, and make the server load what that returns"
)


@dataclass(frozen=True, slots=True)
class User:
    """The logged-in user, from FotoWeb's API descriptor (``GET /fotoweb/me``).

    Attributes:
        user_id: The user's number in FotoWeb; unique within one FotoWeb site.
        user_name: The login name.
        full_name: May be empty.
        email: May be empty.
    """

    user_id: int
    user_name: str
    full_name: str
    email: str


class TokenSource(Protocol):
    """What a session asks for newer tokens: ``live_session.LiveSession``, which stands above this module."""

    def fresh_token(self) -> str: ...

    async def afresh_token(self) -> str: ...

    def ticket(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Session:
    """A user's login, as the app sees it.

    Attributes:
        access_token: For ``Authorization: Bearer …``; valid for the request that brought it.
        token_type: "bearer".
        expires_at: Epoch seconds, or None if FotoWeb gave no ``expires_in``.
        user: Who it is, or None if FotoWeb did not say.
        fotoweb_url: The FotoWeb site, without a trailing slash.
    """

    access_token: str = field(repr=False)
    token_type: str
    expires_at: float | None
    user: User | None = field(repr=False)
    fotoweb_url: str = ""
    _source: TokenSource | None = field(default=None, repr=False, compare=False)

    def fresh_token(self) -> str:
        """Return a token that is valid now, for work that outlives its request: streams, WebSockets, background tasks.

        It waits for FotoWeb if the token has expired. In async code, use ``afresh_token``. A session without a
        middleware, because it was made by hand, returns the token that it has.

        Raises:
            SessionEnded: The session is over.
            FotoWebUnreachable: The token has expired, and there is no new one for now.
        """
        return self.access_token if self._source is None else self._source.fresh_token()

    async def afresh_token(self) -> str:
        """As ``fresh_token``, without blocking the event loop (asyncio or trio)."""
        return self.access_token if self._source is None else await self._source.afresh_token()

    def ticket(self) -> str:
        """Return an opaque text for a job in another process, which opens it with ``session_from_ticket``.

        It holds no token. It works for as long as the session, and opens nothing after a logout.

        Raises:
            ValueError: The session was made by hand: no middleware knows it.
        """
        if self._source is None:
            raise ValueError("this session did not come through the FotoWeb middleware, so there is no ticket for it")
        return self._source.ticket()

    def __reduce__(self) -> Any:
        """Refuse to be pickled.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            "a session can't be pickled, since that would write its token in clear: give the job session.ticket(), "
            "and let it call fotoweb_middleware.session_from_ticket(ticket)"
        )

    def __copy__(self) -> Session:
        """Return the session itself: it never changes."""
        return self

    def __deepcopy__(self, memo: object) -> Session:
        """As ``__copy__``."""
        return self


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


def build_session(record: SessionRecord, fotoweb_url: str, source: TokenSource | None = None) -> Session:
    """Return what the app gets of a session; without a source it has no more than the token of the record."""
    return Session(
        access_token=record.tokens.access_token,
        token_type="bearer",  # noqa: S106 (RFC 6750, not a password)
        expires_at=record.tokens.expires_at,
        user=record.user,
        fotoweb_url=fotoweb_url,
        _source=source,
    )


def get_session(request: object) -> Session | None:
    """Return the session of the logged-in user, or None if nobody is logged in.

    Args:
        request: A Starlette, FastAPI, Quart, Litestar, Django or Flask request, an ASGI scope, or a WSGI environ.

    Raises:
        TypeError: It is none of these.
    """
    for scope in scopes_of(request):
        session = scope.get(SESSION_KEY)
        if isinstance(session, Session):
            return session
    if not has_middleware(request):
        warn_of_missing_middleware()
    return None


def require_session(request: object) -> Session:
    """Return the session of the logged-in user.

    Args:
        request: As in ``get_session``.

    Raises:
        NotSignedIn: Nobody is logged in, or the request did not come through the middleware.
        TypeError: It is none of these.
    """
    session = get_session(request)
    if session is None:
        raise NotSignedIn("nobody is signed in" if has_middleware(request) else NO_MIDDLEWARE)
    return session


def has_middleware(request: object) -> bool:
    """Return whether a request came through the middleware."""
    return any(URLS_KEY in scope for scope in scopes_of(request))


@functools.cache
def warn_of_missing_middleware() -> None:
    """Say once in the log why nobody is signed in."""
    LOGGER.warning(NO_MIDDLEWARE)


def scopes_of(request: object) -> list[Mapping[Any, Any]]:
    """Return the ASGI scope or WSGI environ that a request is or carries; some requests of Django's carry both.

    Raises:
        TypeError: It is no request.
    """
    candidates = (request, *(getattr(request, name, None) for name in ("scope", "environ", "META")))
    found = [candidate for candidate in candidates if isinstance(candidate, Mapping)]
    if not found:
        raise TypeError(f"this takes a request, an ASGI scope or a WSGI environ, not {type(request).__name__}")
    return found
