"""What stands inside sealed cookies and cache entries: a kind, numbers, where each text ends, and the texts in a row.

So nothing is escaped or looked for, whatever a text holds, and a number comes back exactly (docs/adr/0026).
Whatever is read here was sealed by us; None still answers anything unexpected,
since an older or newer release may have written it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from struct import Struct
from typing import Any

from fotoweb_middleware.model import SessionRecord, TokenSet, User

__all__ = [
    "LoginInProgress",
    "Trail",
    "read_handle",
    "read_login",
    "read_record",
    "read_trail",
    "write_handle",
    "write_login",
    "write_record",
    "write_trail",
]

RECORD, HANDLE, LOGIN, TRAIL = b"r2", b"h2", b"l2", b"t2"
# The kind; counts (Q) and times (d, in epoch seconds); then where each text ends (I), in characters from the first one.
# What a value may lack is told by what it can't be: an infinite time, an empty text.
RECORD_HEAD = Struct(">2sQdddd7I")
HANDLE_HEAD = Struct(">2sdI")
LOGIN_HEAD = Struct(">2sd4I")
TRAIL_HEAD = Struct(">2sQdQ")


@dataclass(slots=True)
class LoginInProgress:
    """What a login cookie remembers until the callback. Made once and never changed.

    Attributes:
        state: Must come back unchanged.
        code_verifier: None where no PKCE is used.
        redirect_uri: Exactly as sent; None where it was left out.
        next_path: Where the user was going.
        started_at: Epoch seconds.
    """

    state: str = field(repr=False)
    code_verifier: str | None = field(repr=False)
    redirect_uri: str | None
    next_path: str = field(repr=False)
    started_at: float


@dataclass(frozen=True, slots=True)
class Trail:
    """What the browser remembers of logins that have just come to their end.

    Attributes:
        rounds: How many in a row.
        ended_at: Epoch seconds at which the last one did.
        characters: The length of the session's cookies that it set.
    """

    rounds: int
    ended_at: float
    characters: int


def write_record(record: SessionRecord) -> bytes:
    """Return a session record as bytes."""
    tokens, user = record.tokens, record.user
    expires_at = math.inf if tokens.expires_at is None else tokens.expires_at
    numbers = (record.version, tokens.received_at, expires_at, record.started_at, record.seen_at)
    of_user = ("", "", "", "") if user is None else (str(user.user_id), user.user_name, user.full_name, user.email)
    texts = (record.session_id, tokens.access_token, tokens.refresh_token or "", *of_user)
    return join(RECORD_HEAD, RECORD, numbers, texts)


def read_record(payload: bytes) -> SessionRecord | None:
    """Return the session record that ``write_record`` wrote."""
    if (parts := split(RECORD_HEAD, RECORD, payload)) is None:
        return None
    # The letters are where these end: session id, access token, refresh token, user id, user name, full name, email.
    (_, version, received_at, expires_at, started_at, seen_at, a, b, c, d, e, f, g), text = parts
    if not a <= b <= c <= d <= e <= f <= g == len(text):
        return None
    tokens = TokenSet(text[a:b], text[b:c] or None, received_at, None if expires_at == math.inf else expires_at)
    try:
        user = User(int(text[c:d]), text[d:e], text[e:f], text[f:]) if c < d else None
    except ValueError:
        return None
    return SessionRecord(text[:a], version, tokens, started_at, seen_at, user)


def write_handle(session_id: str, ends_at: float) -> bytes:
    """Return a reference to a session that the server cache holds; ``ends_at`` is in epoch seconds."""
    return join(HANDLE_HEAD, HANDLE, (ends_at,), (session_id,))


def read_handle(payload: bytes) -> tuple[str, float] | None:
    """Return the session id and the end that ``write_handle`` wrote."""
    if (parts := split(HANDLE_HEAD, HANDLE, payload)) is None:
        return None
    (_, ends_at, a), session_id = parts
    return (session_id, ends_at) if a == len(session_id) else None


def write_login(login: LoginInProgress) -> bytes:
    """Return a login in progress as bytes."""
    texts = (login.state, login.code_verifier or "", login.redirect_uri or "", login.next_path)
    return join(LOGIN_HEAD, LOGIN, (login.started_at,), texts)


def read_login(payload: bytes) -> LoginInProgress | None:
    """Return the login in progress that ``write_login`` wrote."""
    if (parts := split(LOGIN_HEAD, LOGIN, payload)) is None:
        return None
    (_, started_at, a, b, c, d), text = parts  # Where these end: state, code verifier, redirect URI, next path.
    if not a <= b <= c <= d == len(text):
        return None
    return LoginInProgress(text[:a], text[a:b] or None, text[b:c] or None, text[c:], started_at)


def write_trail(trail: Trail) -> bytes:
    """Return a trail as bytes."""
    return join(TRAIL_HEAD, TRAIL, (trail.rounds, trail.ended_at, trail.characters), ())


def read_trail(payload: bytes) -> Trail | None:
    """Return the trail that ``write_trail`` wrote."""
    if (parts := split(TRAIL_HEAD, TRAIL, payload)) is None:
        return None
    (_, rounds, ended_at, characters), text = parts
    return None if text else Trail(rounds, ended_at, characters)


def join(head: Struct, kind: bytes, numbers: Sequence[float], texts: Sequence[str]) -> bytes:
    """Return a value as bytes.

    Raises:
        struct.error: A count is negative or has more than 64 bits.
        UnicodeEncodeError: A text holds half of a pair of surrogates.
    """
    return head.pack(kind, *numbers, *accumulate(map(len, texts))) + "".join(texts).encode()


def split(head: Struct, kind: bytes, payload: bytes) -> tuple[tuple[Any, ...], str] | None:
    """Return the head of a value and its texts in a row; None for one of another kind."""
    if len(payload) < head.size:
        return None
    values = head.unpack_from(payload)
    if values[0] != kind:
        return None
    try:
        return values, payload[head.size :].decode()
    except UnicodeDecodeError:
        return None
