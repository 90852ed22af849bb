"""Proof Key for Code Exchange (RFC 7636), S256 only, as FotoWeb's PKCE reference asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from fotoweb_middleware.sealing import base64url


def make_verifier(entropy: Callable[[int], bytes]) -> str:
    """Return a fresh ``code_verifier``: 32 random bytes as 43 unreserved characters (RFC 7636, 4.1).

    Args:
        entropy: Returns as many random bytes as asked for, such as ``secrets.token_bytes``.
    """
    return base64url(entropy(32))


def challenge_of(verifier: str) -> str:
    """Return the S256 ``code_challenge`` of a verifier: unpadded base64url of its SHA-256 (RFC 7636, 4.2)."""
    return base64url(hashlib.sha256(verifier.encode("ascii")).digest())
