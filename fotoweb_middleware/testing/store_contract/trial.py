"""A store on trial: what the promises are tried on, and with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry

__all__ = ["REVOKED", "THREADS", "Promises", "StoreTrial", "at_once"]

R = TypeVar("R")

REVOKED = StoredEntry(None, 0)
THREADS = 8


@dataclass(frozen=True, slots=True)
class StoreTrial:
    """The store to test, and how to move its clock.

    Attributes:
        store: Empty, with room for 20 entries if it has a limit.
        advance: Lets the given number of seconds pass for the store.
    """

    store: Store
    advance: Callable[[float], None]


def at_once(work: Callable[[int], R]) -> list[R]:
    """Run ``work`` in several threads that start together, each with its number, and return what each gave."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> R:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


class Promises:
    """What the tests of every kind use."""

    unit_seconds: ClassVar[float] = 60.0
    """How long entries and locks live in these tests."""

    def write(
        self, trial: StoreTrial, value: bytes = b"v", version: int = 1, key: str = "k", **more: Any
    ) -> SaveOutcome:
        """Save under the usual conditions, which ``more`` changes."""
        conditions = {"ttl_seconds": self.unit_seconds, "create": True, **more}
        return trial.store.save(key, value, version=version, **conditions)
