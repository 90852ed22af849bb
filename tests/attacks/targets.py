"""Targets that lead away from this origin, or that browsers may read so; none may be where a login or a logout ends."""

from __future__ import annotations

__all__ = ["HOSTILE_TARGETS", "as_written"]

HOSTILE_TARGETS = (
    "//evil.test",
    "///evil.test",
    "////evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "/\\/evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r\n/evil.test",
    "\x00//evil.test",
    "\x0b//evil.test",
    " //evil.test",
    "http:evil.test",
    "http:/evil.test",
    "http:///evil.test",
    "https://app.test@evil.test",
    "https://evil.test\\@app.test",
    "https://app.test.evil.test",
    "ht\ntps://evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "/..//evil.test",
    "/.//evil.test",
    "/a/..//evil.test",
    "https://[::1",
    "〱evil.test",
)
"""Security case T-RP-01."""


def as_written(target: str) -> str:
    """Return a target as it can stand in a request line without percent-encoding: no line break, and bytes as Latin-1.

    What ends a request line early is left out, since what follows would be another request.
    """
    return target.translate({ord("\r"): None, ord("\n"): None}).encode("utf-8").decode("latin-1")
