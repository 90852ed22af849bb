"""Access tokens that look like FotoWeb's: JWT, signed with HS256 by a key that only the server has."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from fotoweb_middleware.testing.fake_fotoweb.registration import User
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["encode_base64url", "mint_access_token", "sign_jwt"]

HEADER: Final = '{"alg":"HS256","typ":"JWT"}'
SIGNATURE_LENGTH: Final = 43


def encode_base64url(data: bytes) -> str:
    """Encode without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign_jwt(key: bytes, claims: Mapping[str, Any], length: int = 0) -> str:
    """Build a signed JWT.

    Args:
        key: secret of the server.
        claims: payload.
        length: characters wanted. A claim `pad` fills up to exactly that; no token is cut shorter than it needs.

    Source: RFC 7515, 3.1 (compact serialization), A.1 (HS256).
    """
    header, payload = HEADER, json.dumps(claims, separators=(",", ":"))
    missing = length - len(_assemble(key, header, payload))
    if missing > 0:
        header, payload = _pad(header, claims, length)
    return _assemble(key, header, payload)


def _pad(header: str, claims: Mapping[str, Any], length: int) -> tuple[str, str]:
    # base64url never has 4n+1 characters, so one more blank in the header makes the other lengths reachable.
    for padded_header in (header, header + " "):
        room = length - len(encode_base64url(padded_header.encode())) - SIGNATURE_LENGTH - 2
        payload_bytes = room * 3 // 4
        empty = json.dumps({**claims, "pad": ""}, separators=(",", ":"))
        payload = json.dumps({**claims, "pad": "x" * max(0, payload_bytes - len(empty))}, separators=(",", ":"))
        if len(encode_base64url(payload.encode())) == room:
            return padded_header, payload
    return header, json.dumps(claims, separators=(",", ":"))


def _assemble(key: bytes, header: str, payload: str) -> str:
    signed = f"{encode_base64url(header.encode())}.{encode_base64url(payload.encode())}"
    return f"{signed}.{encode_base64url(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def mint_access_token(site: Site, user: User, origin: str) -> str:
    """Make an access token for a user. Its life is recorded by the caller; nobody reads the claims but a curious test.

    Args:
        site: gives time, key, switches and randomness.
        user: becomes `sub`.
        origin: FotoWeb's own, as the client reached it; becomes `iss`.
    """
    now = int(site.now())
    claims = {
        "iss": f"{origin}/fotoweb/",
        "sub": str(user.user_id),
        "iat": now,
        "nbf": now,
        "exp": now + int(site.switches.access_token_lifetime_seconds),
        "jti": base64.b64encode(site.entropy(32)).decode(),
    }
    return sign_jwt(site.signing_key, claims, site.switches.access_token_length)
