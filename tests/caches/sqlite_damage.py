"""What can happen to the files of a SQLite cache while they are open."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["FAULTS", "random_bytes", "removed", "removed_with_side_files", "replaced_by_other_text"]


def random_bytes(path: Path) -> None:
    """Write random bytes over a whole file, in place."""
    size = path.stat().st_size or 8192
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(size))


def random_pages(path: Path) -> None:
    """Write random bytes over all pages but the first."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(random.Random(1).randbytes(max(size - 4096, 0)))


def emptied(path: Path) -> None:
    """Cut a file to nothing, in place."""
    os.truncate(path, 0)


def cut(path: Path) -> None:
    """Cut a file in the middle of a page."""
    os.truncate(path, 5000)


def removed(path: Path) -> None:
    """Remove the database file alone."""
    path.unlink()


def removed_with_side_files(path: Path) -> None:
    """Remove everything."""
    for name in list(path.parent.iterdir()):
        name.unlink()


def side_files_removed(path: Path) -> None:
    """Remove all but the database file."""
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def shm_removed(path: Path) -> None:
    """Remove the file of the locks."""
    Path(f"{path}-shm").unlink(missing_ok=True)


def wal_random(path: Path) -> None:
    """Write random bytes over the write-ahead log."""
    if Path(f"{path}-wal").exists():
        random_bytes(Path(f"{path}-wal"))


def shm_random(path: Path) -> None:
    """Write random bytes over the index of the log."""
    if Path(f"{path}-shm").exists():
        random_bytes(Path(f"{path}-shm"))


def replaced_by_other_text(path: Path) -> None:
    """Put another file in its place."""
    other = path.with_suffix(".txt")
    other.write_text("no database at all\n" * 1000)
    other.replace(path)


def replaced_by_a_backup(path: Path) -> None:
    """Put an old copy in its place, as an operator might; the side files stay."""
    backup = path.with_suffix(".backup")
    backup.write_bytes(path.read_bytes())
    connection = sqlite3.connect(path)
    connection.execute("UPDATE fotoweb_entries SET key = key || ' changed'")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("UPDATE fotoweb_entries SET key = key || ' once more'")
    connection.commit()
    connection.close()
    backup.replace(path)


def replaced_by_a_folder(path: Path) -> None:
    """Put a folder in its place, and take it away again a moment later."""
    path.unlink()
    path.mkdir()
    threading.Timer(0.5, path.rmdir).start()


def wal_cut(path: Path) -> None:
    """Cut the write-ahead log in the middle of a frame."""
    if (wal := Path(f"{path}-wal")).exists():
        os.truncate(wal, wal.stat().st_size // 2 + 7)


def tables_dropped(path: Path) -> None:
    """Take our tables away."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE fotoweb_entries")
    connection.execute("DROP TABLE fotoweb_leases")
    connection.close()


FAULTS: list[Callable[[Path], None]] = [
    random_bytes,
    random_pages,
    emptied,
    cut,
    removed,
    removed_with_side_files,
    side_files_removed,
    shm_removed,
    wal_random,
    shm_random,
    replaced_by_other_text,
    replaced_by_a_backup,
    replaced_by_a_folder,
    wal_cut,
    tables_dropped,
]
