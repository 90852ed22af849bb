"""One sealed value over several cookies, where one cookie would be too large for browsers.

The whole was sealed before it was cut, so parts that are missing, foreign, swapped or of another version do not open.
The first part says how many there are: ``3~…``; whatever lies beyond is a leftover and not looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from fotoweb_middleware.cookies.header import PART_MARK, values_of

__all__ = ["MAX_TOTAL_CHARACTERS", "all_values", "join_parts", "split_value", "total_characters"]

MAX_COOKIE_CHARACTERS = 4096
"""RFC 6265bis, 5.6: name plus value; Chromium and Firefox refuse more."""

MAX_TOTAL_CHARACTERS = 6144
"""All parts together: servers refuse long headers (gunicorn: 8190 bytes for one field)."""

MOST_PARTS = 3
PART_COUNTS = frozenset({"2", "3"})
"""More never fit into the total."""


def split_value(name: str, value: str) -> dict[str, str]:
    """Return cookie names and values that together carry ``value``; a single one where it fits."""
    room = MAX_COOKIE_CHARACTERS - len(name) - len(".1")
    if len(value) <= room:
        return {name: value}
    room -= len(PART_MARK) + 1
    pieces = [value[start : start + room] for start in range(0, len(value), room)]
    names = [name, *(f"{name}.{number}" for number in range(1, len(pieces)))]
    return {
        part_name: f"{len(pieces)}{PART_MARK}{piece}" if part_name == name else piece
        for part_name, piece in zip(names, pieces, strict=True)
    }


def join_parts(name: str, values: Mapping[str, str]) -> str | None:
    """Return the value that ``split_value`` cut, or None where it isn't there as a whole."""
    first = values.get(name)
    if first is None or first[1:2] != PART_MARK:
        return first
    count, piece = first[:1], first[2:]
    if count not in PART_COUNTS:
        return None
    pieces = [values.get(f"{name}.{number}") for number in range(1, int(count))]
    if None in pieces:
        return None
    return piece + "".join(piece for piece in pieces if piece is not None)


def all_values(name: str, header: str) -> Iterator[str]:
    """Yield every value that a Cookie header may mean where one of its cookies came several times.

    Args:
        name: What the first part is called.
        header: The Cookie header.
    """
    others = [dict.fromkeys(values_of(header, f"{name}.{number}")) for number in range(1, MOST_PARTS)]
    firsts = dict.fromkeys(values_of(header, name))
    yield from (first for first in firsts if first[1:2] != PART_MARK)
    for count in sorted(PART_COUNTS):  # Fewer parts first: a few planted ones make hundreds of three.
        for first in firsts:
            if first[:2] == f"{count}{PART_MARK}":
                yield from (first[2:] + "".join(rest) for rest in itertools.product(*others[: int(count) - 1]))


def total_characters(parts: Mapping[str, str]) -> int:
    """Return how much room cookies take in a Cookie header."""
    return sum(len(name) + len(value) + len("=; ") for name, value in parts.items())
