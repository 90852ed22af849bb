"""Stores that are wrong about entries, each in one way, with the test of the contract that tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock
from tests.testing.plain_store import PlainStore, Row

__all__ = ["WRONG", "let_another_come_between", "told_by"]

WRONG: dict[type[PlainStore], str] = {}
"""Each wrong store, and the test that tells."""

RACE_SECONDS = 0.1
"""Long enough for another thread to come between, on a busy machine too."""


def let_another_come_between() -> None:
    """Keep a thread for a moment. The main thread is not kept: where it works, it works alone."""
    if threading.current_thread() is not threading.main_thread():
        time.sleep(RACE_SECONDS)


def told_by(name: str) -> Callable[[type[PlainStore]], type[PlainStore]]:
    """Note which test tells that the store is wrong."""

    def note(store: type[PlainStore]) -> type[PlainStore]:
        WRONG[store] = name
        return store

    return note


@told_by("test_empty")
class RaisesOfItsOwn(PlainStore):
    """Raises KeyError where nothing is."""

    def load(self, key: str) -> StoredEntry | None:
        """Look without asking first."""
        return StoredEntry(self.rows[key].value, self.rows[key].version)


@told_by("test_shared_is_known")
class DoesNotSayWhetherItIsShared(PlainStore):
    """Leaves open whether other processes see its entries."""

    shared = None  # type: ignore[assignment]


@told_by("test_create")
class KeepsNothing(PlainStore):
    """Says that it saved."""

    def put(self, key: str, row: Row) -> None:
        """Do nothing."""


@told_by("test_any_bytes")
class KeepsText(PlainStore):
    """Takes values for text."""

    def put(self, key: str, row: Row) -> None:
        """Drop what is no ASCII."""
        value = row.value.decode("ascii", "ignore").encode() if row.value is not None else None
        super().put(key, replace(row, value=value))


@told_by("test_large_version")
class KeepsSmallVersions(PlainStore):
    """Keeps versions in 32 bits."""

    def put(self, key: str, row: Row) -> None:
        """Cut the version."""
        super().put(key, replace(row, version=row.version % 2**32))


@told_by("test_update_of_nothing")
class CreatesWhateverItIsTold(PlainStore):
    """Takes no notice of ``create=False``."""

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """Always create."""
        return super().save(key, value, version=version, ttl_seconds=ttl_seconds, create=True, lock=lock)


@told_by("test_same_version")
class WritesTheSameTwice(PlainStore):
    """Writes a version over itself."""

    def is_older(self, made: Row, row: Row) -> bool:
        """Let the same through."""
        return made.version < row.version


@told_by("test_lower_version")
class WritesOlderVersions(PlainStore):
    """The last writer wins."""

    def is_older(self, made: Row, row: Row) -> bool:
        """Let all through."""
        return False


@told_by("test_versions_compare_as_numbers")
class ComparesText(PlainStore):
    """Compares versions as text."""

    def is_older(self, made: Row, row: Row) -> bool:
        """Take 10 for less than 9."""
        return str(made.version) <= str(row.version)


@told_by("test_keys_apart")
class CutsKeys(PlainStore):
    """Knows the first characters of a key alone."""

    def put(self, key: str, row: Row) -> None:
        """Cut the key."""
        super().put(key[:8], row)

    def row(self, key: str) -> Row | None:
        """Cut the key."""
        return super().row(key[:8])


@told_by("test_lives_long_enough")
class TakesSecondsForMilliseconds(PlainStore):
    """Everything ends at once."""

    def ends_at(self, ttl_seconds: float) -> float:
        """Take a thousandth."""
        return super().ends_at(ttl_seconds / 1000)


@told_by("test_dies")
class ForgetsTheTime(PlainStore):
    """Nothing ever ends but locks."""

    def row(self, key: str) -> Row | None:
        """Look at no clock."""
        return self.rows.get(key)


@told_by("test_dead_is_missing")
class UpdatesTheDead(PlainStore):
    """Lets an update write over an entry whose time is over."""

    def load(self, key: str) -> StoredEntry | None:
        """Look at the clock, as only this method does."""
        row = super().row(key)
        return StoredEntry(row.value, row.version) if row is not None else None

    def row(self, key: str) -> Row | None:
        """Look at no clock."""
        return self.rows.get(key)


@told_by("test_update_prolongs")
class KeepsTheFirstTime(PlainStore):
    """An update leaves the entry's end where it was."""

    def following(self, made: Row, row: Row) -> Row:
        """Keep the end."""
        return replace(super().following(made, row), ends_at=row.ends_at)


@told_by("test_reading_does_not_prolong")
class ProlongsByReading(PlainStore):
    """Every look gives a new minute."""

    def load(self, key: str) -> StoredEntry | None:
        """Prolong."""
        row = self.row(key)
        if row is not None:
            self.put(key, replace(row, ends_at=self.ends_at(60)))
        return super().load(key)


@told_by("test_refused_save_does_not_prolong")
class ProlongsByRefusing(PlainStore):
    """Every save gives a new time, also where it is refused."""

    def is_older(self, made: Row, row: Row) -> bool:
        """Prolong by the way."""
        for key in [key for key, there in self.rows.items() if there is row]:
            self.put(key, replace(row, ends_at=made.ends_at))
        return super().is_older(made, row)


@told_by("test_each_version_saved_once")
class SavesWithoutALock(PlainStore):
    """Lets another thread come between looking and writing."""

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """Look, wait, write."""
        row = self.row(key)
        let_another_come_between()
        if row is not None and row.version >= version:
            return SaveOutcome.NEWER
        self.rows.pop(key, None)
        return super().save(key, value, version=version, ttl_seconds=ttl_seconds, create=create, lock=lock)


@told_by("test_close_and_go_on")
class ClosesForGood(PlainStore):
    """Can't be used once it was closed."""

    is_closed = False

    def close(self) -> None:
        """Note it."""
        self.is_closed = True

    def ends_at(self, ttl_seconds: float) -> float:
        """Complain."""
        if self.is_closed:
            raise ValueError("closed")
        return super().ends_at(ttl_seconds)
