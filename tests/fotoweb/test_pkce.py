"""Proof Key for Code Exchange (RFC 7636; R-AC3)."""

from __future__ import annotations

import re
import secrets

from fotoweb_middleware.fotoweb.authorize import challenge_of, make_verifier


def test_challenge_of_rfc_example() -> None:
    """The challenge of RFC 7636's own example comes out as its appendix B says."""
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_verifier_of_rfc_example() -> None:
    """The verifier of RFC 7636's own example comes out of its 32 octets."""
    octets = [116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186]
    octets += [22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121]
    assert make_verifier(lambda count: bytes(octets)) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def test_verifier_asks_for_256_bits() -> None:
    """A verifier is made of 32 random bytes."""
    asked: list[int] = []

    def entropy(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    make_verifier(entropy)
    assert asked == [32]


def test_verifier_shape() -> None:
    """A verifier has 43 unreserved characters (RFC 7636, 4.1)."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", make_verifier(secrets.token_bytes))
