"""The values that travel along the road: RequestView comes in, Session is known, Decision goes out.

Those that a first sight or a redirect makes are not frozen (but ``Session`` and ``User``, which apps get), since that
is most of what making them costs (docs/adr/0026). ``tests/test_project_rules.py`` sees to it that nobody changes one.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple, TypeAlias

__all__ = [
    "HEADERS_READ",
    "Admit",
    "Answer",
    "Decision",
    "PassThrough",
    "Reason",
    "RequestView",
    "Session",
    "SessionRecord",
    "TokenSet",
    "User",
]

HEADERS_READ = frozenset(
    {
        "accept",
        "access-control-request-method",
        "cookie",
        "host",
        "origin",
        "purpose",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-purpose",
        "x-requested-with",
    }
)
"""The request headers that decisions look at; a door hands over these and no others."""


class Reason(enum.Enum):
    """Why a decision came out as it did: in the log at DEBUG for our own answers, and in docs/where-is-it.md."""

    BAD_TARGET = "bad_target"
    BAD_HOST = "bad_host"
    UNKNOWN_OWN_PATH = "unknown_own_path"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    PREFLIGHT_ADMITTED = "preflight_admitted"
    PREFLIGHT_REFUSED = "preflight_refused"
    CROSS_ORIGIN = "cross_origin"
    PUBLIC = "public"
    LOGIN_OPTIONAL = "login_optional"
    NO_SESSION = "no_session"
    LOGIN_STARTED = "login_started"
    LOGIN_LOOP = "login_loop"
    FRESH = "fresh"
    STALE = "stale"
    REFRESHED = "refreshed"
    OPERATOR_FAULT = "operator_fault"
    FOTOWEB_UNAVAILABLE = "fotoweb_unavailable"
    CACHE_UNAVAILABLE = "cache_unavailable"
    STATE_REFUSED = "state_refused"
    LOGIN_FAILED = "login_failed"
    LOGGED_IN = "logged_in"
    LOGOUT_CONFIRM = "logout_confirm"
    LOGGED_OUT = "logged_out"
    SESSION_STATUS = "session_status"


class RequestView(NamedTuple):
    """What a decision may know of a request; made by a door, the same for ASGI and WSGI.

    One is made for almost every request: a frozen dataclass would take four times as long.

    Attributes:
        method: As sent, "GET" for a WebSocket handshake.
        path: Decoded, without the mount: what the wrapped app routes on.
        mount: Where the app is mounted: "" or "/sub" (``root_path``, ``SCRIPT_NAME``).
        raw_path: The path as it stood in the request line, still percent-encoded, mount included;
            None where the server does not tell.
        query: The query string as sent, without "?".
        scheme: "http" or "https" ("ws" and "wss" are told as these).
        headers: Those of ``HEADERS_READ`` that came, names in lower case, latin-1 text.
            Several Cookie headers are joined by "; " (RFC 9113, 8.2.3), others by ", ".
        is_websocket: Whether this is a WebSocket handshake.
        has_stray_mount: Whether the mount stands in the path, but not at its start: some frameworks cut there.
    """

    method: str
    path: str
    mount: str
    raw_path: str | None
    query: str
    scheme: str
    headers: Mapping[str, str]
    is_websocket: bool = False
    has_stray_mount: bool = False

    def __repr__(self) -> str:
        """Show neither headers nor query: the callback's holds code and state."""
        return f"RequestView({self.method} {self.mount}{self.path!r}, is_websocket={self.is_websocket})"


@dataclass(frozen=True, slots=True, init=False)
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

    def __init__(self, user_id: int, user_name: str, full_name: str, email: str) -> None:
        """Set all; see ``setters_of``."""
        set_user_id, set_user_name, set_full_name, set_email = USER_SETTERS
        set_user_id(self, user_id)
        set_user_name(self, user_name)
        set_full_name(self, full_name)
        set_email(self, email)


@dataclass(frozen=True, slots=True, init=False)
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

    def __init__(self, access_token: str, token_type: str, expires_at: float | None, user: User | None) -> None:
        """Set all; see ``setters_of``."""
        set_access_token, set_token_type, set_expires_at, set_user = SESSION_SETTERS
        set_access_token(self, access_token)
        set_token_type(self, token_type)
        set_expires_at(self, expires_at)
        set_user(self, user)


def setters_of(frozen: type) -> tuple[Callable[[object, object], None], ...]:
    """Return what sets the fields of a frozen dataclass with slots, in order, for its own ``__init__`` alone.

    The ``__init__`` that dataclasses write looks each field up by its name, which takes half as long again
    (docs/adr/0030).
    """
    return tuple(vars(frozen)[each.name].__set__ for each in fields(frozen))


USER_SETTERS = setters_of(User)
SESSION_SETTERS = setters_of(Session)


@dataclass(slots=True)
class TokenSet:
    """The tokens of one answer of the token endpoint (RFC 6749, 5.1). Made once and never changed.

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


@dataclass(slots=True)
class SessionRecord:
    """One session at one version; sealed, it is the cookie's content and the cache's. Made once and never changed.

    Attributes:
        session_id: New at every login, stays through refreshes. A secret in reference mode.
        version: The highest wins. A refresh raises it by 1,000,000, noting a request for the idle limit by 1.
        tokens: The newest tokens.
        started_at: Epoch seconds of the login.
        seen_at: Epoch seconds of the last request that was written down (for the idle limit).
        user: Who it is, where known.
    """

    session_id: str = field(repr=False)
    version: int
    tokens: TokenSet
    started_at: float
    seen_at: float
    user: User | None


@dataclass(frozen=True, slots=True)
class PassThrough:
    """The wrapped app runs without a session.

    Attributes:
        cookie_header: The Cookie header without our own cookies; None: there is none left.
        set_cookies: Whole values of Set-Cookie headers to add to the app's answer.
    """

    reason: Reason
    cookie_header: str | None = field(repr=False)
    set_cookies: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Admit:
    """The wrapped app runs with a session.

    Attributes:
        session: For ``scope["fotoweb.session"]``.
        cookie_header: As in ``PassThrough``.
        set_cookies: As in ``PassThrough``.
        renew_session_id: Where the token is stale: the session to refresh once the answer has been sent.
    """

    reason: Reason
    session: Session
    cookie_header: str | None = field(repr=False)
    set_cookies: tuple[str, ...] = field(default=(), repr=False)
    renew_session_id: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Answer:
    """The middleware answers itself; the wrapped app is not called. Made once and never changed.

    Attributes:
        status: HTTP status.
        headers: In order; names as written on the wire.
        body: Empty for redirects.
        websocket_close_code: For servers that can't refuse a handshake with an HTTP answer.
    """

    reason: Reason
    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    websocket_close_code: int = 4401


Decision: TypeAlias = PassThrough | Admit | Answer
