"""A SQLite file on a full or read-only disk, or out of reach of this user."""

from __future__ import annotations

import errno
import os
import resource
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.sqlite_kit import is_whole, save, wait_for
from tests.drivers.forking import exit_code, fork_off


@pytest.fixture
def cache(path: Path) -> Iterator[SqliteCache]:
    """Return a cache with one entry."""
    made = SqliteCache(path)
    save(made)
    yield made
    made.close()


# --------------------------------------------------------------------------------------------------- full and read-only


def fill_the_disk(path: Path) -> None:
    """Write until no file may grow, look what goes on then, and let it grow again."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    cache = SqliteCache(path)
    save(cache, "first")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    failed = 0
    for number in range(100):
        try:
            save(cache, f"k{number}", size=20_000)
        except CacheUnavailable:
            failed += 1
    assert failed > 50
    assert wait_for(lambda: cache.load("first") == Stored(b"v", 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert wait_for(lambda: save(cache, "after", size=20_000) is SaveOutcome.SAVED)
    cache.close()
    assert is_whole(path)


def test_disk_full(path: Path) -> None:
    """On a full disk writes fail, reads go on, nothing is broken, and writes work once there is room."""
    assert exit_code(fork_off(lambda: fill_the_disk(path))) == 0


def test_full_by_pages(cache: SqliteCache) -> None:
    """SQLite's own word for a full file makes the cache unavailable, and the next call works once there is room."""
    [opened] = cache._connections._idle
    opened.connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(CacheUnavailable):
        save(cache, "large", size=100_000)
    assert (cache.load("k"), save(cache, "large", size=100_000)) == (Stored(b"v", 1), SaveOutcome.SAVED)


def test_read_only(cache: SqliteCache) -> None:
    """A connection that may not write makes the cache unavailable; the next call opens another."""
    [opened] = cache._connections._idle
    opened.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(CacheUnavailable):
        save(cache, "other")
    assert save(cache, "other") is SaveOutcome.SAVED


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EMFILE])
def test_folder_refuses(number: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file can be made the cache is out of reach, and is back as soon as one can."""
    cache = SqliteCache(path)
    with monkeypatch.context() as patched:

        def refuse(*_: object, **__: object) -> int:
            raise OSError(number, os.strerror(number))

        patched.setattr(os, "open", refuse)
        with pytest.raises(CacheUnavailable):
            cache.load("k")
    assert save(cache) is SaveOutcome.SAVED
    cache.close()


def test_read_only_files() -> None:
    """A user who may read the files but not write them finds the cache out of reach; nothing else comes out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cache.sqlite"
        made = SqliteCache(path)
        save(made)
        made.close()
        for each in (path, Path(f"{path}-lock")):
            each.chmod(0o444)
        Path(folder).chmod(0o555)
        code = exit_code(fork_off(lambda: read_as_nobody_in_particular(path)))
        Path(folder).chmod(0o755)
    assert code == 0


def read_as_nobody_in_particular(path: Path) -> None:
    """Look into a file that this user may not write; root may write everything."""
    if os.geteuid() == 0:
        os.setuid(65534)
    with pytest.raises(CacheUnavailable):
        SqliteCache(path).load("k")
