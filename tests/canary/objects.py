"""Every object that can be reached from the middleware, and what it says of itself."""

from __future__ import annotations

import gc
import types
from collections import deque
from collections.abc import Iterator

import cachetools

__all__ = ["MOST_OBJECTS", "reachable", "sayings"]

MOST_OBJECTS = 60_000

# What a secret is kept in shows it, of course: a str is its own text, a dict or a mapping of cachetools what it holds.
# What counts is what the objects around them say.
VALUES = (str, bytes, bytearray, int, float, type(None))
CONTAINERS = (dict, list, tuple, set, frozenset, types.MappingProxyType, types.CellType, deque, cachetools.Cache)
NOT_OURS = (types.ModuleType, types.FrameType, types.CodeType, types.BuiltinFunctionType, type)


def reachable(start: object) -> Iterator[object]:
    """Return the objects that can be reached from ``start``, near ones first, up to a number that ends the walk."""
    seen: set[int] = {id(start)}
    waiting: deque[object] = deque([start])
    while waiting and len(seen) < MOST_OBJECTS:
        each = waiting.popleft()
        yield each
        if isinstance(each, types.FunctionType):
            found: list[object] = [each.__closure__, each.__defaults__, each.__kwdefaults__]  # Not all its module.
        else:
            found = gc.get_referents(each)
        for other in found:
            is_skipped = isinstance(other, (*VALUES, *NOT_OURS)) or type(other).__module__.startswith("tests.")
            if id(other) not in seen and not is_skipped:
                seen.add(id(other))
                waiting.append(other)


def sayings(start: object) -> Iterator[tuple[str, str]]:
    """Return the type of each object that can be reached, and its repr, str and format."""
    for each in reachable(start):
        if isinstance(each, CONTAINERS):
            continue
        kind = f"{type(each).__module__}.{type(each).__qualname__}"
        try:
            yield kind, f"{each!r}\n{each}"
        except Exception as error:  # noqa: BLE001 (an object in the middle of its end; its words count too)
            yield kind, str(error)
