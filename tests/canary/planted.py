"""Planted secrets, and every spelling in which one could come to light."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

__all__ = ["CLIENT_SECRET", "NEWEST_KEY", "OLDER_KEY", "Planted", "spellings"]

CLIENT_SECRET = "cL13nt+s3cret/=%26&Qw7Zr0Tn4Vb"
NEWEST_KEY = "nK9+xT2mQ/zV5rW8yB1pD4gH7jL0aE3cUfS6"
OLDER_KEY = "oJ8_wS1nP-yU4qX7vC0kF3hG6tM9bR2eZiDa"
SHORTEST_CHARACTERS = 16


def spellings(secret: str) -> Iterator[tuple[str, bytes]]:
    """Return what a secret looks like raw, percent-encoded, in JSON, in hexadecimal, and in base64 of any alignment."""
    raw = secret.encode()
    yield "raw", raw
    yield "percent-encoded", quote(secret, safe="").encode()
    yield "form-encoded", quote_plus(secret).encode()
    yield "in JSON", json.dumps(secret)[1:-1].encode()
    yield "in hexadecimal", raw.hex().encode()
    yield "in hexadecimal", raw.hex().upper().encode()
    for before in range(3):
        # The characters at either end depend on what stands beside the secret.
        text = base64.b64encode(b"\0" * before + raw).rstrip(b"=")[(0, 2, 3)[before] :][:-1]
        yield "in base64", text
        yield "in base64", text.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass
class Planted:
    """The secrets of one tour, as they come up.

    Attributes:
        kinds: Secret to what it is.
    """

    kinds: dict[str, str] = field(
        repr=False,
        default_factory=lambda: {CLIENT_SECRET: "client secret", NEWEST_KEY: "newest key", OLDER_KEY: "older key"},
    )
    _needles: dict[str, dict[bytes, tuple[str, str]]] = field(default_factory=dict, repr=False)

    def plant(self, kind: str, secret: str | None) -> None:
        """Note one more secret."""
        if secret:
            assert len(secret) >= SHORTEST_CHARACTERS, f"a {kind} this short would be found by chance"
            self.kinds.setdefault(secret, kind)

    def needles(self) -> dict[bytes, tuple[str, str]]:
        """Return every spelling of every secret, with the secret's kind and the spelling's name."""
        if len(self._needles) != len(self.kinds):
            self._needles = {
                secret: {sought: (kind, spelling) for spelling, sought in reversed([*spellings(secret)])}
                for secret, kind in self.kinds.items()
            }
        return {sought: told for each in self._needles.values() for sought, told in each.items()}

    def found_in(self, content: bytes | str, *, legitimate: tuple[str, ...] = ()) -> list[str]:
        """Return which kinds of secrets stand in ``content`` and how they are spelt; ``legitimate`` kinds aside."""
        text = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        sought = self.needles().items()
        return sorted({f"{kind} {how}" for each, (kind, how) in sought if each in text and kind not in legitimate})
