"""What stands inside sealed cookies and cache entries: compact JSON arrays that begin with their kind.

Whatever is read here was sealed by us; None still answers anything unexpected,
since an older or newer release may have written it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from fotoweb_middleware.model import SessionRecord, TokenSet, User

__all__ = ["LoginInProgress", "read_handle", "read_login", "read_record", "write_handle", "write_login", "write_record"]

RECORD, HANDLE, LOGIN = "r1", "h1", "l1"


@dataclass(frozen=True, slots=True)
class LoginInProgress:
    """What a login cookie remembers until the callback.

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


def write_record(record: SessionRecord) -> bytes:
    """Return a session record as bytes."""
    tokens, user = record.tokens, record.user
    return dump(
        [
            RECORD,
            record.session_id,
            record.version,
            tokens.access_token,
            tokens.refresh_token,
            tokens.received_at,
            tokens.expires_at,
            record.started_at,
            record.seen_at,
            None if user is None else [user.user_id, user.user_name, user.full_name, user.email],
        ]
    )


def read_record(payload: bytes) -> SessionRecord | None:
    """Return the session record that ``write_record`` wrote."""
    match load(payload):
        case [
            "r1",
            str(session_id),
            int(version),
            str(access_token),
            str() | None as refresh_token,
            int() | float() as received_at,
            int() | float() | None as expires_at,
            int() | float() as started_at,
            int() | float() as seen_at,
            user,
        ]:
            tokens = TokenSet(access_token, refresh_token, received_at, expires_at)
            return SessionRecord(session_id, version, tokens, started_at, seen_at, read_user(user))
    return None


def read_user(user: object) -> User | None:
    """Return the user of a session record."""
    match user:
        case [int(user_id), str(user_name), str(full_name), str(email)]:
            return User(user_id, user_name, full_name, email)
    return None


def write_handle(session_id: str, ends_at: float) -> bytes:
    """Return a reference to a session that the server cache holds; ``ends_at`` is in epoch seconds."""
    return dump([HANDLE, session_id, ends_at])


def read_handle(payload: bytes) -> tuple[str, float] | None:
    """Return the session id and the end that ``write_handle`` wrote."""
    match load(payload):
        case ["h1", str(session_id), int() | float() as ends_at]:
            return session_id, ends_at
    return None


def write_login(login: LoginInProgress) -> bytes:
    """Return a login in progress as bytes."""
    return dump([LOGIN, login.state, login.code_verifier, login.redirect_uri, login.next_path, login.started_at])


def read_login(payload: bytes) -> LoginInProgress | None:
    """Return the login in progress that ``write_login`` wrote."""
    match load(payload):
        case [
            "l1",
            str(state),
            str() | None as code_verifier,
            str() | None as redirect_uri,
            str(next_path),
            int() | float() as started_at,
        ]:
            return LoginInProgress(state, code_verifier, redirect_uri, next_path, started_at)
    return None


def dump(content: list[object]) -> bytes:
    """Return compact JSON."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def load(payload: bytes) -> object:
    """Return the JSON in ``payload``, None where there is none."""
    try:
        return json.loads(payload)
    except ValueError:
        return None
