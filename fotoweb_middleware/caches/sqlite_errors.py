"""What SQLite's errors mean to a cache (sqlite.org/rescode.html)."""

from __future__ import annotations

import sqlite3

__all__ = ["FileChanged", "FilesLocked", "is_busy", "is_damage", "is_elsewhere", "words_of"]

DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})


class FileChanged(Exception):
    """The file was removed, replaced or found damaged: what was read or written there is void."""


class FilesLocked(Exception):
    """Another process has been opening or closing the files for too long."""


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether the file itself is broken, rather than locked, full or out of reach."""
    return primary_code(error) in DAMAGE_CODES or full_code(error) == sqlite3.SQLITE_IOERR_SHORT_READ


def is_busy(error: BaseException) -> bool:
    """Return whether a lock was waited for in vain."""
    return primary_code(error) in BUSY_CODES


def is_elsewhere(error: sqlite3.Error) -> bool:
    """Return whether this is not our file any more: it lost its name, or our tables."""
    return full_code(error) == sqlite3.SQLITE_READONLY_DBMOVED or primary_code(error) == sqlite3.SQLITE_ERROR


def words_of(error: sqlite3.Error | OSError) -> str:
    """Return what went wrong, as a part of a sentence. SQLite's words hold no value that was read or written."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def primary_code(error: BaseException) -> int:
    """Return SQLite's result code without its details, or 0 where there is none."""
    return full_code(error) & 0xFF


def full_code(error: BaseException) -> int:
    """Return SQLite's result code with its details, or 0 where there is none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code
