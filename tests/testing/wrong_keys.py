"""Stores that are wrong about finding keys, each in one way, with the test of the contract that tells."""

from __future__ import annotations

import fnmatch
from dataclasses import replace

from tests.testing.plain_store import PlainStore, Row
from tests.testing.wrong_stores import told_by

__all__: list[str] = []


@told_by("test_no_keys")
class FindsWhatWasNeverThere(PlainStore):
    """Takes the prefix for a key."""

    def keys(self, prefix: str) -> set[str]:
        """Add the prefix."""
        return super().keys(prefix) | {prefix}


@told_by("test_keys_that_begin_so")
class FindsThePrefixAnywhere(PlainStore):
    """Finds the prefix in the middle of a key too."""

    def keys(self, prefix: str) -> set[str]:
        """Look into the keys."""
        return {key for key in super().keys("") if prefix in key}


@told_by("test_prefix_is_no_pattern")
class TakesPrefixesForPatterns(PlainStore):
    """An asterisk stands for anything."""

    def keys(self, prefix: str) -> set[str]:
        """Match."""
        return {key for key in super().keys("") if fnmatch.fnmatchcase(key, f"{prefix}*")}


@told_by("test_each_of_many_keys")
class FindsTheFirstPage(PlainStore):
    """Reads ten keys and forgets to read on."""

    def keys(self, prefix: str) -> set[str]:
        """Cut."""
        return set(sorted(super().keys(prefix))[:10])


@told_by("test_no_keys_of_dead_entries")
class FindsTheDead(PlainStore):
    """Forgets that entries end."""

    def is_listed(self, _key: str, _row: Row) -> bool:
        """Tell of all rows."""
        return True


@told_by("test_no_keys_of_locks_and_uses")
class FindsLocksToo(PlainStore):
    """Takes locks for entries."""

    def keys(self, prefix: str) -> set[str]:
        """Add the locks."""
        return super().keys(prefix) | {key for key in self.out if key.startswith(prefix)}


@told_by("test_finding_is_no_use")
class FindingProlongs(PlainStore):
    """Gives what it finds a new time to live."""

    def is_listed(self, key: str, row: Row) -> bool:
        """Write it once more."""
        found = super().is_listed(key, row)
        if found:
            self.rows[key] = replace(row, ends_at=self.ends_at(60))
        return found
