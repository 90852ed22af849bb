"""The token endpoint: what we send and how its answers are read (RFC 6749, 4.1.3, 5 and 6).

FotoWeb takes the client's credentials in the body only ("Web Application or API authorization").
"""

from __future__ import annotations

import math
import re
from typing import Literal

from fotoweb_middleware.errors import FotoWebNonsense, FotoWebRefused, FotoWebUnreachable
from fotoweb_middleware.fotoweb.messages import Form, HttpReply, read_object
from fotoweb_middleware.session import TokenSet

TOKEN_PATH = "/fotoweb/oauth2/token"  # noqa: S105 (a path, not a password)
MAX_TOKEN_CHARACTERS = 32_768
MAX_EXPIRES_IN_SECONDS = 10 * 365 * 86_400
MAX_RETRY_AFTER_SECONDS = 60

TOKEN_TEXT = re.compile(r"[\x21-\x7e]+")  # RFC 6749, A.12 and A.17, without the space that no header could carry
DIGITS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
ERROR_CODE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}")  # RFC 6749, 5.2, without the space

OPERATOR_FAULTS = frozenset(
    {"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_request", "invalid_scope"}
)
HINTS = {"invalid_client": "is FOTOWEB_CLIENT_SECRET right, and FOTOWEB_CLIENT_ID?"}
TEMPORARY_ERRORS = frozenset({"server_error", "temporarily_unavailable"})
REFUSAL_STATUSES = frozenset({400, 401, 403})
TOO_MANY_REQUESTS = 429
FIRST_SERVER_ERROR = 500


def build_code_form(
    *, client_id: str, client_secret: str, code: str, redirect_uri: str | None, code_verifier: str | None
) -> Form:
    """Return the form that exchanges a code (RFC 6749, 4.1.3; RFC 7636, 4.5).

    ``redirect_uri`` is what the authorization request carried, to the letter; None, as of the verifier: none was sent.
    """
    form = [("grant_type", "authorization_code"), ("code", code)]
    if redirect_uri is not None:
        form.append(("redirect_uri", redirect_uri))
    if code_verifier is not None:
        form.append(("code_verifier", code_verifier))
    return Form((*form, ("client_id", client_id), ("client_secret", client_secret)))


def build_refresh_form(*, client_id: str, client_secret: str, refresh_token: str) -> Form:
    """Return the form that asks for new tokens (RFC 6749, 6; FotoWeb "Refreshing tokens")."""
    return Form(
        (
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", client_id),
            ("client_secret", client_secret),
        )
    )


def read_token_reply(reply: HttpReply, *, now: float, refresh_token: str | None = None) -> TokenSet:
    """Read an answer of the token endpoint.

    Args:
        reply: What came.
        now: Epoch seconds.
        refresh_token: Kept where the answer brings no new one (RFC 6749, 6).

    Raises:
        FotoWebUnreachable: 5xx, 429, or an error code that says so.
        FotoWebRefused: 400, 401 or 403.
        FotoWebNonsense: Everything else that is not a 200 with a bearer token in a JSON object.
    """
    if reply.status != 200:
        raise read_failure(reply)
    document = read_object(reply)
    token_type = document.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise FotoWebNonsense("the token endpoint's answer has no token_type bearer")
    expires_in = read_expires_in(document.get("expires_in"))
    return TokenSet(
        access_token=read_token(document.get("access_token"), "access_token"),
        refresh_token=read_refresh_token(document.get("refresh_token")) or refresh_token,
        received_at=now,
        expires_at=None if expires_in is None else now + expires_in,
    )


def read_failure(reply: HttpReply) -> FotoWebUnreachable | FotoWebRefused | FotoWebNonsense:
    """Say what an answer other than 200 means."""
    if reply.status == TOO_MANY_REQUESTS or reply.status >= FIRST_SERVER_ERROR:
        retry_after_seconds = read_retry_after(reply.retry_after)
        return FotoWebUnreachable(f"FotoWeb answered HTTP {reply.status}", retry_after_seconds=retry_after_seconds)
    if reply.status not in REFUSAL_STATUSES:
        return FotoWebNonsense(f"the token endpoint answered HTTP {reply.status}")
    error = read_error_code(reply)
    if error in TEMPORARY_ERRORS:
        return FotoWebUnreachable(f"FotoWeb answered {error} (HTTP {reply.status})")
    return FotoWebRefused(error, status=reply.status, hint=HINTS.get(error, ""))


def is_operator_fault(refusal: FotoWebRefused) -> bool:
    """Return whether the operator must fix something, since no login of the user's could."""
    return refusal.error in OPERATOR_FAULTS


def read_error_code(reply: HttpReply) -> str:
    """Return the ``error`` of an error document (RFC 6749, 5.2), or "" where none can be read."""
    try:
        error = read_object(reply).get("error")
    except FotoWebNonsense:
        return ""
    return error if isinstance(error, str) and ERROR_CODE.fullmatch(error) else ""


def read_token(value: object, name: Literal["access_token", "refresh_token"]) -> str:
    """Return a token that is fit for a header.

    Raises:
        FotoWebNonsense: It is not a text of visible ASCII characters, or too long.
    """
    if isinstance(value, str) and len(value) <= MAX_TOKEN_CHARACTERS and TOKEN_TEXT.fullmatch(value):
        return value
    raise FotoWebNonsense(f"the token endpoint's {name} is no token")


def read_refresh_token(value: object) -> str | None:
    """Return the refresh token, or None where none came: absent, null and "" all say so."""
    return None if value is None or value == "" else read_token(value, "refresh_token")


def read_expires_in(value: object) -> float | None:
    """Return the seconds of ``expires_in``; None where it is absent or null.

    FotoWeb was seen to write ``28800.000000``.

    Raises:
        FotoWebNonsense: Neither a number nor a string of digits, negative, infinite or NaN.
    """
    if value is None:
        return None
    if isinstance(value, str) and DIGITS.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:  # False for NaN
        return float(min(value, MAX_EXPIRES_IN_SECONDS))
    raise FotoWebNonsense("the token endpoint's expires_in is no number of seconds")


def read_retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header, at most a minute; None where it is absent or a date."""
    seconds = (value or "").strip(" \t")  # The others that Python strips, such as U+001C, float() does not take.
    return min(float(seconds), MAX_RETRY_AFTER_SECONDS) if DIGITS.fullmatch(seconds) else None
