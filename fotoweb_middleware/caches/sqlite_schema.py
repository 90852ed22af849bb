"""What stands in the file of a SQLite cache, and the statements that read and write it.

Every function that writes expects a transaction that was begun with ``IMMEDIATE``: what it read can't change under it.
No statement needs a newer SQLite than 3.24 (2018).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored

__all__ = ["bury", "create_tables", "free_lease", "is_leased", "load", "purge", "save", "take_lease", "writing"]

# The names carry a prefix, since a file that somebody names may hold tables of their own. A release that needs other
# columns takes other names: the file outlives an update, and while servers restart both releases use it.
# A damaged file may hold any type in any column, so what is read is cast.
TABLES = (
    # A tombstone is a row without a value. `removable_at` is when the row may be deleted, later than when it ends.
    """CREATE TABLE IF NOT EXISTS fotoweb_entries (
        key TEXT NOT NULL PRIMARY KEY, value BLOB, version INTEGER NOT NULL, fence INTEGER NOT NULL,
        expires_at REAL NOT NULL, removable_at REAL NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS fotoweb_entries_removable ON fotoweb_entries (removable_at)",
    """CREATE TABLE IF NOT EXISTS fotoweb_leases (
        key TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, taken_at REAL NOT NULL, ends_at REAL NOT NULL)
        WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS fotoweb_leases_ends ON fotoweb_leases (ends_at)",
    "CREATE TABLE IF NOT EXISTS fotoweb_fences (number INTEGER NOT NULL PRIMARY KEY, newest INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO fotoweb_fences VALUES (1, 0)",
)
HAS_TABLES = (
    "SELECT count(*) FROM sqlite_master"
    " WHERE name IN ('fotoweb_entries', 'fotoweb_entries_removable', 'fotoweb_leases', 'fotoweb_leases_ends',"
    " 'fotoweb_fences')"
)

# A clock that is set forward by mistake and back again takes no row with it, unless it was wrong for longer than this.
ENTRY_GRACE_SECONDS = 3600.0
TOMBSTONE_GRACE_SECONDS = 86400.0

PURGED_AT_ONCE = 8
"""Rows that one write may remove: more than it adds, few enough not to be noticed."""

CLOCK_SLACK_SECONDS = 1.0
"""A lease that seems to be taken later than this in the future was taken before the machine was started anew."""


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the file's only write lock for the time of the block, and write all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def create_tables(connection: sqlite3.Connection) -> None:
    """Create what is missing; one read where nothing is."""
    if connection.execute(HAS_TABLES).fetchone() != (5,):
        with writing(connection):
            for statement in TABLES:
                connection.execute(statement)


def load(connection: sqlite3.Connection, key: str, now: float) -> Stored | None:
    """Return what lies under ``key`` at ``now`` (epoch seconds)."""
    found = connection.execute(
        "SELECT CAST(value AS BLOB), CAST(version AS INTEGER) FROM fotoweb_entries WHERE key = ? AND expires_at > ?",
        (key, now),
    ).fetchone()
    return None if found is None else Stored(*found)


def save(  # noqa: PLR0913 (each is a condition of the write)
    connection: sqlite3.Connection,
    key: str,
    stored: Stored,
    *,
    now: float,
    ttl_seconds: float,
    create: bool,
    fence: int | None,
) -> SaveOutcome:
    """Write ``stored`` unless something stands against it; see ``Cache.save``."""
    there = connection.execute(
        "SELECT value IS NULL, CAST(version AS INTEGER), CAST(fence AS INTEGER) FROM fotoweb_entries"
        " WHERE key = ? AND expires_at > ?",
        (key, now),
    ).fetchone()
    newest_fence = fence or 0
    if there is None:
        if not create:
            return SaveOutcome.MISSING
    else:
        buried, version_there, fence_there = there
        if buried:
            return SaveOutcome.BURIED
        if version_there >= stored.version or (fence is not None and fence_there > fence):
            return SaveOutcome.NEWER
        newest_fence = max(newest_fence, fence_there)
    expires_at = now + ttl_seconds
    put(connection, (key, stored.value, stored.version, newest_fence, expires_at, expires_at + ENTRY_GRACE_SECONDS))
    return SaveOutcome.SAVED


def bury(connection: sqlite3.Connection, key: str, *, now: float, ttl_seconds: float) -> None:
    """Put a tombstone under ``key``. One that lives longer is left as it is."""
    there = connection.execute(
        "SELECT expires_at FROM fotoweb_entries WHERE key = ? AND value IS NULL", (key,)
    ).fetchone()
    expires_at = max(now + ttl_seconds, *(there or ()), 0.0)
    put(connection, (key, None, 0, 0, expires_at, expires_at + TOMBSTONE_GRACE_SECONDS))


def put(connection: sqlite3.Connection, row: tuple[str, bytes | None, int, int, float, float]) -> None:
    """Write one row, whatever is there."""
    connection.execute(
        "INSERT INTO fotoweb_entries (key, value, version, fence, expires_at, removable_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, fence = excluded.fence,"
        " expires_at = excluded.expires_at, removable_at = excluded.removable_at",
        row,
    )


def is_leased(connection: sqlite3.Connection, key: str, monotonic: float) -> bool:
    """Return whether a lease on ``key`` is out.

    Args:
        connection: The file.
        key: What may be leased.
        monotonic: Read after the transaction was begun, or a lease just taken would seem to lie in the future.
    """
    return (
        connection.execute(
            "SELECT 1 FROM fotoweb_leases WHERE key = ? AND taken_at <= ? AND ends_at > ?",
            (key, monotonic + CLOCK_SLACK_SECONDS, monotonic),
        ).fetchone()
        is not None
    )


def take_lease(  # noqa: PLR0913 (two clocks: leases must not see the wall clock jump)
    connection: sqlite3.Connection, key: str, owner: str, *, now: float, monotonic: float, ttl_seconds: float
) -> Lease:
    """Write down a lease and return it with its fence; that no other is out was asked before.

    The fence follows the wall clock where it can, so that it goes on rising when the file was lost and made anew.
    """
    connection.execute("UPDATE fotoweb_fences SET newest = max(newest + 1, ?)", (int(now * 1_000_000),))
    fence: int = connection.execute("SELECT newest FROM fotoweb_fences").fetchone()[0]
    connection.execute(
        "REPLACE INTO fotoweb_leases (key, owner, taken_at, ends_at) VALUES (?, ?, ?, ?)",
        (key, owner, monotonic, monotonic + ttl_seconds),
    )
    return Lease(key, owner, fence)


def free_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Remove a lease where it is still this holder's."""
    connection.execute("DELETE FROM fotoweb_leases WHERE key = ? AND owner = ?", (lease.key, lease.owner))


def purge(connection: sqlite3.Connection, *, now: float, monotonic: float) -> None:
    """Remove a few rows whose time is over."""
    connection.execute(
        "DELETE FROM fotoweb_entries WHERE rowid IN"
        " (SELECT rowid FROM fotoweb_entries WHERE removable_at <= ? ORDER BY removable_at LIMIT ?)",
        (now, PURGED_AT_ONCE),
    )
    connection.execute(
        "DELETE FROM fotoweb_leases WHERE key IN"
        " (SELECT key FROM fotoweb_leases WHERE ends_at <= ? ORDER BY ends_at LIMIT ?)",
        (monotonic, PURGED_AT_ONCE),
    )
