"""Sealing: JSON, encrypted with AES-GCM (cryptography) and signed with itsdangerous, with keys derived by HKDF.

Each purpose has keys of its own and is bound into what is sealed: a value sealed for one opens for no other.
"""

from __future__ import annotations

import enum
import hashlib
import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import Signer

FORMAT_VERSION = 2
NONCE_BYTES = 12
KEY_BYTES = 32
MAX_SEALED_CHARACTERS = 262_144
SEPARATOR = "."


class Purpose(enum.Enum):
    """What a sealed value is for."""

    SESSION = "session"
    LOGIN = "login"
    STORE = "store"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed.

    Attributes:
        value: What went in.
        by_newest_key: False where an older key of ``FOTOWEB_SECRET_KEY`` sealed it.
    """

    value: Any = field(repr=False)
    by_newest_key: bool


class Sealer:
    """Seals with the newest key and opens with any.

    Args:
        secret_keys: As in ``FOTOWEB_SECRET_KEY``, newest first.
        binding: What else a sealed value belongs to: FotoWeb's address, client id and cookie name. A value that was
            sealed under another binding does not open.
        entropy: Returns as many random bytes as asked for.
    """

    def __init__(self, secret_keys: Sequence[str], *, binding: str, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self.binding = binding
        self._keys = {purpose: [derive_keys(key, purpose) for key in secret_keys] for purpose in Purpose}

    def __repr__(self) -> str:
        """Show no key."""
        return "Sealer(…)"

    def seal(self, value: Any, purpose: Purpose, *, name: str) -> str:
        """Return what JSON can hold, encrypted and signed, as text that is safe in a cookie.

        ``name`` is the slot within the purpose, such as a cookie's name; opening needs the same.
        """
        cipher, signer = self._keys[purpose][0]
        nonce = self._entropy(NONCE_BYTES)
        plaintext = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        sealed = nonce + cipher.encrypt(nonce, plaintext, self._associated_data(purpose, name))
        return signer.sign(base64url(sealed)).decode("ascii")

    def open(self, text: str, purpose: Purpose, *, name: str) -> Opened | None:
        """Return what ``seal`` was given, or None for anything that this sealer did not make."""
        if len(text) > MAX_SEALED_CHARACTERS or not text.isascii():
            return None
        encoded, _, signature = text.rpartition(SEPARATOR)
        for number, (cipher, signer) in enumerate(self._keys[purpose]):
            # The text of the signature is compared, not its bytes: base64 has other spellings of the same bytes.
            if compare_digest(signer.get_signature(encoded), signature.encode()):
                value = decrypt(cipher, encoded, self._associated_data(purpose, name))
                return None if value is None else Opened(value, by_newest_key=number == 0)
        return None

    def _associated_data(self, purpose: Purpose, name: str) -> bytes:
        return f"{FORMAT_VERSION}\n{purpose.value}\n{self.binding}\n{name}".encode()


def decrypt(cipher: AESGCM, encoded: str, associated_data: bytes) -> Any:
    """Return the value that was encrypted; None where nothing was, here and with this key."""
    try:
        sealed = a2b_base64(encoded.replace("-", "+").replace("_", "/") + "==")  # Padding too much does no harm.
        plaintext = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
        return json.loads(plaintext.decode("utf-8", "surrogatepass"))
    except (InvalidTag, ValueError, RecursionError):
        return None


def derive_keys(secret_key: str, purpose: Purpose) -> tuple[AESGCM, Signer]:
    """Return what a secret key encrypts and signs with, for one purpose (RFC 5869)."""
    cipher = AESGCM(derive(secret_key, f"{purpose.value}/encrypt"))
    signing_key = derive(secret_key, f"{purpose.value}/sign")
    return cipher, Signer(signing_key, salt=b"", sep=SEPARATOR, key_derivation="none", digest_method=hashlib.sha256)


def derive(secret_key: str, usage: str) -> bytes:
    """Return a key of 256 bits for one usage."""
    info = f"fotoweb_middleware/{FORMAT_VERSION}/{usage}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret_key.encode())


def base64url(data: bytes) -> str:
    """Return bytes in base64 for URLs and cookies, without padding (RFC 4648, 5)."""
    return b2a_base64(data, newline=False).replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=").decode("ascii")
