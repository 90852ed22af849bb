"""What one request does, counted: calls of ours and of what costs, locks, tasks, threads, clocks, headers read."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import fotoweb_middleware

__all__ = ["CountedClock", "CountedHeaders", "Counts", "count"]

OURS = str(Path(fotoweb_middleware.__file__).parent)
COSTLY = {
    "cryptography": ("cryptography",),
    "signing": ("itsdangerous", "hmac", "_hashlib", "hashlib"),
    "json": ("json", "_json"),
    "locks and threads": ("_thread", "threading"),
    "tasks": ("asyncio", "_asyncio", "anyio", "concurrent"),
}
"""What is counted under which name: calls of functions of these modules, whether Python or C.

A ``with lock:`` counts once: of the lock's two methods Python tells of ``__exit__`` alone.
"""


@dataclass
class Counts:
    """What was counted.

    Attributes:
        own_calls: Of Python functions of the package, generators and coroutines included, under "module.function".
        costly: Calls under the names of ``COSTLY``.
        by_name: The same calls under the functions' own names, such as "decrypt".
    """

    own_calls: Counter[str] = field(default_factory=Counter)
    costly: Counter[str] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)

    def note_python(self, frame: FrameType) -> None:
        """Count the call of a Python function."""
        if frame.f_code.co_filename.startswith(OURS):
            self.own_calls[f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_qualname}"] += 1
        else:
            self.note_module(frame.f_globals.get("__name__"), frame.f_code.co_name)

    def note_c(self, function: Any) -> None:
        """Count the call of a function in C; a method belongs to the module of its object's type."""
        owner = getattr(function, "__self__", None)
        self.note_module(getattr(function, "__module__", None) or type(owner).__module__, function.__name__)

    def note_module(self, module: str | None, function: str) -> None:
        """Count a call into a module."""
        top = (module or "").partition(".")[0]
        for name, modules in COSTLY.items():
            if top in modules:
                self.costly[name] += 1
                self.by_name[function] += 1


def count(work: Callable[[], object]) -> Counts:
    """Return what ``work`` does in this thread."""
    counts = Counts()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            counts.note_python(frame)
        elif event == "c_call":
            counts.note_c(argument)

    earlier = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(earlier)
    return counts


class CountedHeaders(list[tuple[bytes, bytes]]):
    """A scope's headers, which count how often somebody goes through them.

    Attributes:
        scans: How often.
    """

    scans = 0

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Count, and go through them."""
        self.scans += 1
        return super().__iter__()


class CountedClock:
    """A clock that counts how often it is read.

    Args:
        now: What it shows, in seconds; it stands still.

    Attributes:
        reads: How often.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self.reads = 0

    def __call__(self) -> float:
        """Count, and return the time."""
        self.reads += 1
        return self.now
