"""Sealing: signed with itsdangerous, encrypted with AES-GCM (cryptography), keys derived with HKDF.

Every purpose has keys of its own, and the purpose is bound into what is sealed:
a value sealed for one slot opens in no other.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadSignature, Signer

__all__ = ["Opened", "Purpose", "Sealer"]

FORMAT_VERSION = 1
NONCE_BYTES = 12
KEY_BYTES = 32
MAX_SEALED_CHARACTERS = 262_144
SEALED = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""The one spelling of a sealed value: base64 decoders also take others of the same signature (with junk in it, or with
other unused bits at its end), and each would count as a new cookie."""


class Purpose(enum.Enum):
    """What a sealed value is for."""

    SESSION = "session"
    LOGIN = "login"
    CACHE = "cache"


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed.

    Attributes:
        payload: The bytes that went in.
        by_newest_key: False where an older key of ``FOTOWEB_SECRET_KEY`` sealed it.
    """

    payload: bytes = field(repr=False)
    by_newest_key: bool


@dataclass(frozen=True, slots=True)
class PurposeKeys:
    """The keys of one purpose, newest first."""

    ciphers: tuple[AESGCM, ...] = field(repr=False)
    signer: Signer = field(repr=False)


class Sealer:
    """Seals with the newest key and opens with any.

    Args:
        secret_keys: As in ``FOTOWEB_SECRET_KEY``, newest first.
        binding: What else a sealed value belongs to, such as client id, site and cookie name;
            a value sealed under another binding does not open.
        entropy: Returns as many random bytes as asked for.
    """

    def __init__(self, secret_keys: Sequence[str], *, binding: str, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._binding = binding
        self._keys = {purpose: keys_for(secret_keys, purpose) for purpose in Purpose}

    def __repr__(self) -> str:
        """Show no key."""
        return "Sealer(…)"

    def seal(self, payload: bytes, purpose: Purpose, *, name: str = "") -> str:
        """Return ``payload`` encrypted and signed, as text that is safe in a cookie.

        Args:
            payload: What to seal.
            purpose: What for.
            name: The slot within the purpose, such as a cache key; opening needs the same.
        """
        keys = self._keys[purpose]
        nonce = self._entropy(NONCE_BYTES)
        sealed = nonce + keys.ciphers[0].encrypt(nonce, payload, self._context(purpose, name))
        return keys.signer.sign(base64.urlsafe_b64encode(sealed).rstrip(b"=")).decode("ascii")

    def open(self, text: str, purpose: Purpose, *, name: str = "") -> Opened | None:
        """Return what ``seal`` was given, or None for anything that this sealer did not make."""
        if len(text) > MAX_SEALED_CHARACTERS or not SEALED.fullmatch(text):
            return None
        keys = self._keys[purpose]
        try:
            encoded = keys.signer.unsign(text)
            sealed = base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
        except (BadSignature, binascii.Error):
            return None
        context = self._context(purpose, name)
        for age, cipher in enumerate(keys.ciphers):
            try:
                return Opened(cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context), age == 0)
            except (InvalidTag, ValueError):
                continue
        return None

    def _context(self, purpose: Purpose, name: str) -> bytes:
        return f"{FORMAT_VERSION}\n{purpose.value}\n{self._binding}\n{name}".encode()


def keys_for(secret_keys: Sequence[str], purpose: Purpose) -> PurposeKeys:
    """Derive the keys of one purpose (RFC 5869)."""
    ciphers = tuple(AESGCM(derive(secret, f"{purpose.value}/encrypt")) for secret in secret_keys)
    # itsdangerous signs with the last key of the list and checks with all, the last one first.
    signing = [derive(secret, f"{purpose.value}/sign") for secret in reversed(secret_keys)]
    return PurposeKeys(ciphers, Signer(signing, salt=b"", key_derivation="none", digest_method=hashlib.sha256))


def derive(secret: str, usage: str) -> bytes:
    """Return a key of 256 bits for one usage."""
    info = f"fotoweb_middleware/{FORMAT_VERSION}/{usage}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret.encode())
