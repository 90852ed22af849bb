"""The authorization request, and what comes back at the callback (RFC 6749, 4.1.1 and 4.1.2).

PKCE is S256 only (RFC 7636), as FotoWeb's PKCE reference asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from fotoweb_middleware.sealing import base64url

AUTHORIZE_PATH = "/fotoweb/oauth2/authorize"
MAX_STATE_CHARACTERS = 128
MAX_CODE_CHARACTERS = 8192
MAX_TEXT_CHARACTERS = 500
SINGLE_PARAMETERS = ("state", "code", "error", "error_description", "iss")


@dataclass(frozen=True, slots=True)
class CallbackQuery:
    """A callback whose query is well formed; whether its state is ours is still to be seen.

    Attributes:
        state: What must match a login cookie.
        code: The authorization code, "" where FotoWeb reports an error.
        error: The error code, "" where a code came.
        error_description: FotoWeb's words, cut to 500 characters; never to be shown unescaped.
    """

    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str
    error_description: str = field(repr=False)


def make_verifier(entropy: Callable[[int], bytes]) -> str:
    """Return a fresh ``code_verifier``: 32 random bytes as 43 unreserved characters (RFC 7636, 4.1)."""
    return base64url(entropy(32))


def challenge_of(verifier: str) -> str:
    """Return the S256 ``code_challenge`` of a verifier: unpadded base64url of its SHA-256 (RFC 7636, 4.2)."""
    return base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def build_authorize_url(
    url: str, *, client_id: str, redirect_uri: str | None, state: str, code_challenge: str | None
) -> str:
    """Return where to send the browser; every parameter once, percent-encoded. What is None is left out."""
    query = {"response_type": "code", "client_id": client_id}
    if redirect_uri is not None:
        query["redirect_uri"] = redirect_uri
    query["state"] = state
    if code_challenge is not None:
        query |= {"code_challenge": code_challenge, "code_challenge_method": "S256"}
    return f"{url}{AUTHORIZE_PATH}?{urlencode(query)}"


def read_callback(query: str) -> CallbackQuery | str:
    """Read the callback's query string; a text is the code of the page that says why it can't be used.

    1. A parameter that must come once comes twice: ``state_garbled`` (RFC 6749, 3.1).
    2. No state: nothing can be tied to a login (RFC 6749, 4.1.2: it is REQUIRED, since we sent one).
    3. Both a code and an error, or neither: ``state_garbled``.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50, errors="strict")
    except (ValueError, UnicodeDecodeError):
        return "state_garbled"
    values = dict(pairs)
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in SINGLE_PARAMETERS):
        return "state_garbled"
    state, code, error = values.get("state", ""), values.get("code", ""), values.get("error", "")
    if not state:
        return "state_missing"
    if bool(code) == bool(error) or len(state) > MAX_STATE_CHARACTERS or len(code) > MAX_CODE_CHARACTERS:
        return "state_garbled"
    description = values.get("error_description", "")[:MAX_TEXT_CHARACTERS]
    return CallbackQuery(state=state, code=code, error=error, error_description=description)
