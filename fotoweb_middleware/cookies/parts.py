"""One sealed value over several cookies, where one cookie would be too large for browsers.

The whole was sealed before it was cut, so parts that are missing, foreign, swapped or of another version do not open.
The first part says how many there are: ``3~…``; whatever lies beyond is a leftover and not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["MAX_TOTAL_CHARACTERS", "join_parts", "split_value", "total_characters"]

MAX_COOKIE_CHARACTERS = 4096
"""RFC 6265bis, 5.6: name plus value; Chromium and Firefox refuse more."""

MAX_TOTAL_CHARACTERS = 6144
"""All parts together: servers refuse long headers (gunicorn: 8190 bytes for one field)."""

PART_COUNTS = frozenset({"2", "3"})
"""More never fit into the total."""

MARK = "~"


def split_value(name: str, value: str) -> dict[str, str]:
    """Return cookie names and values that together carry ``value``; a single one where it fits."""
    room = MAX_COOKIE_CHARACTERS - len(name) - len(".1")
    if len(value) <= room:
        return {name: value}
    room -= len(MARK) + 1
    pieces = [value[start : start + room] for start in range(0, len(value), room)]
    names = [name, *(f"{name}.{number}" for number in range(1, len(pieces)))]
    return {
        part_name: f"{len(pieces)}{MARK}{piece}" if part_name == name else piece
        for part_name, piece in zip(names, pieces, strict=True)
    }


def join_parts(name: str, values: Mapping[str, str]) -> str | None:
    """Return the value that ``split_value`` cut, or None where it isn't there as a whole."""
    first = values.get(name)
    if first is None or first[1:2] != MARK:
        return first
    count, piece = first[:1], first[2:]
    if count not in PART_COUNTS:
        return None
    pieces = [values.get(f"{name}.{number}") for number in range(1, int(count))]
    if None in pieces:
        return None
    return piece + "".join(piece for piece in pieces if piece is not None)


def total_characters(parts: Mapping[str, str]) -> int:
    """Return how much room cookies take in a Cookie header."""
    return sum(len(name) + len(value) + len("=; ") for name, value in parts.items())
