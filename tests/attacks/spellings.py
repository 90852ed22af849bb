"""How a secret may be written in an answer or a log: as it is, percent-encoded, in hex, and inside base64."""

from __future__ import annotations

import base64
import functools
from urllib.parse import quote, quote_plus

__all__ = ["spellings"]


@functools.lru_cache(maxsize=4096)
def spellings(secret: str) -> frozenset[str]:
    """Return every spelling that is looked for."""
    content = secret.encode()
    in_hex = content.hex()
    percent = "".join(f"%{byte:02x}" for byte in content)
    plain = {secret, quote(secret, safe=""), quote_plus(secret), percent, percent.upper(), in_hex, in_hex.upper()}
    return frozenset(plain | {part for before in range(3) for part in inside_base64(content, before)})


def inside_base64(content: bytes, before: int) -> set[str]:
    """Return what base64 makes of a secret alone, where so many bytes (modulo 3) stand before it.

    Letters at either end that neighbours have a part in are left out.
    """
    encoded = base64.b64encode(b"\0" * before + content).decode().rstrip("=")
    first, last = -(-before * 4 // 3), (before + len(content)) * 4 // 3
    letters = encoded[first:last]
    return {letters, letters.replace("+", "-").replace("/", "_")}
