"""Sealing: signed with itsdangerous, encrypted with AES-GCM (cryptography), keys derived with HKDF.

Every purpose has keys of its own, and the purpose is bound into what is sealed:
a value sealed for one slot opens in no other.
"""

from __future__ import annotations

import enum
import hashlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import Signer

from fotoweb_middleware import base64url

__all__ = ["SIGNATURE_CHARACTERS", "Opened", "Opener", "Purpose", "Sealer"]

FORMAT_VERSION = 1
NONCE_BYTES = 12
KEY_BYTES = 32
MAX_SEALED_CHARACTERS = 262_144
SIGNATURE_CHARACTERS = 43
"""HMAC-SHA256 in base64 without padding, at the end of every sealed value."""
SEPARATOR = b"."


class Purpose(enum.Enum):
    """What a sealed value is for."""

    SESSION = "session"
    LOGIN = "login"
    CACHE = "cache"


@dataclass(slots=True)
class Opened:
    """What was sealed. Made once and never changed.

    Attributes:
        payload: The bytes that went in.
        by_newest_key: False where an older key of ``FOTOWEB_SECRET_KEY`` sealed it.
    """

    payload: bytes = field(repr=False)
    by_newest_key: bool


class PreparedSigner(Signer):
    """Makes the signatures that itsdangerous's own ``Signer`` makes, in half of the time: the key is prepared once.

    Args:
        key: As it is used.
    """

    def __init__(self, key: bytes) -> None:
        Signer.__init__(self, key, salt=b"", sep=SEPARATOR, key_derivation="none", digest_method=hashlib.sha256)
        self._prepared = HMAC(key, SHA256())

    def get_signature(self, value: str | bytes) -> bytes:
        """Return the signature of a value."""
        mac = self._prepared.copy()
        mac.update(value.encode() if isinstance(value, str) else value)
        return base64url.encode(mac.finalize()).encode()


@dataclass(frozen=True, slots=True)
class Keys:
    """What one secret key seals and opens with, for one purpose.

    Attributes:
        cipher: Encrypts.
        signer: Signs what is encrypted.
    """

    cipher: AESGCM = field(repr=False)
    signer: Signer = field(repr=False)


class Opener:
    """Opens what was sealed for one purpose and, within it, under one name. ``Sealer.opener`` makes it.

    Args:
        keys: Of the purpose, newest first.
        context: What is bound into everything that it may open.
    """

    __slots__ = ("_context", "_keys")

    def __init__(self, keys: tuple[Keys, ...], context: bytes) -> None:
        self._keys = keys
        self._context = context

    def open(self, text: str) -> Opened | None:
        """Return what was sealed, or None for anything that was not, here and with one of the keys."""
        if len(text) > MAX_SEALED_CHARACTERS or not text.isascii():
            return None
        encoded, _, signature = text.encode().rpartition(SEPARATOR)
        if len(signature) != SIGNATURE_CHARACTERS:
            return None
        for keys in self._keys:
            # The text is compared, not what it stands for: decoders of base64 also take other spellings of the same
            # bytes, and each would count as a new cookie.
            if compare_digest(keys.signer.get_signature(encoded), signature):
                payload = decrypt(keys.cipher, encoded, self._context)
                return None if payload is None else Opened(payload, keys is self._keys[0])
        return None


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
        self._contexts = {purpose: f"{FORMAT_VERSION}\n{purpose.value}\n{binding}\n".encode() for purpose in Purpose}
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
        newest = self._keys[purpose][0]
        nonce = self._entropy(NONCE_BYTES)
        sealed = nonce + newest.cipher.encrypt(nonce, payload, self._contexts[purpose] + name.encode())
        return newest.signer.sign(encode(sealed)).decode("ascii")

    def open(self, text: str, purpose: Purpose, *, name: str = "") -> Opened | None:
        """Return what ``seal`` was given, or None for anything that this sealer did not make."""
        return self.opener(purpose, name).open(text)

    def opener(self, purpose: Purpose, name: str) -> Opener:
        """Return what opens one slot; worth keeping for one that is opened often."""
        return Opener(self._keys[purpose], self._contexts[purpose] + name.encode())


def encode(data: bytes) -> bytes:
    """Return bytes in base64 whose "/" is "_", without padding.

    A "+" may stand in a cookie (RFC 6265bis, 4.1.1) and need not be looked for when it is read; around a value with "/"
    clients that use ``http.cookies`` put quotes.
    """
    return b2a_base64(data, newline=False).replace(b"/", b"_").rstrip(b"=")


def decode(encoded: bytes) -> bytes:
    """Return what ``encode`` was given; what is no base64 is passed over.

    Raises:
        ValueError: The text is cut short.
    """
    return a2b_base64(encoded.replace(b"_", b"/") + b"==")  # Padding too much does no harm.


def decrypt(cipher: AESGCM, encoded: bytes, context: bytes) -> bytes | None:
    """Return what was encrypted in a context, None where nothing was."""
    try:
        sealed = decode(encoded)
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        return None


def keys_for(secret_keys: Sequence[str], purpose: Purpose) -> tuple[Keys, ...]:
    """Derive the keys of one purpose (RFC 5869), newest first."""
    return tuple(
        Keys(
            AESGCM(derive(secret, f"{purpose.value}/encrypt")), PreparedSigner(derive(secret, f"{purpose.value}/sign"))
        )
        for secret in secret_keys
    )


def derive(secret: str, usage: str) -> bytes:
    """Return a key of 256 bits for one usage."""
    info = f"fotoweb_middleware/{FORMAT_VERSION}/{usage}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret.encode())
