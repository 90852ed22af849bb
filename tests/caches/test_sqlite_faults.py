"""A SQLite file that is damaged, removed, locked, full or made read-only under us."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import random
import resource
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fotoweb_middleware.caches import sqlite_files
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock

SPAWN = multiprocessing.get_context("spawn")
RECOVERY_SECONDS = 10.0
"""What the contract grants."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file will lie."""
    return tmp_path / "cache.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[SqliteCache]:
    """Return a cache with one entry."""
    made = SqliteCache(path)
    save(made)
    yield made
    made.close()


def save(cache: SqliteCache, key: str = "k", version: int = 1, size: int = 1) -> SaveOutcome:
    """Save something."""
    return cache.save(key, b"v" * size, version=version, ttl_seconds=600, create=True)


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
    tables_dropped,
]


def works_together(one: SqliteCache, other: SqliteCache, key: str) -> bool:
    """Return whether two ends of a cache see the same file."""
    try:
        save(one, key, 10**6)
        lease = other.take_lease(key, ttl_seconds=60)
        together = (
            other.load(key) == Stored(b"v", 10**6) and one.take_lease(key, ttl_seconds=60) is None and lease is not None
        )
        if lease is not None:
            one.free_lease(lease)
    except CacheUnavailable:
        return False
    return together


@pytest.mark.parametrize("checkpointed", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_recovers(fault: Callable[[Path], None], checkpointed: bool, cache: SqliteCache, path: Path) -> None:
    """Whatever happens to the file, two ends that had it open work together again at once or soon."""
    other = SqliteCache(path)
    for number in range(300):
        save(cache, f"before {number}", size=500)
    if checkpointed:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    other.load("k")
    fault(path)
    deadline = time.monotonic() + RECOVERY_SECONDS
    turn = 0
    while not works_together(cache, other, f"after {turn}") and time.monotonic() < deadline:
        turn += 1
        time.sleep(0.1)
    recovered = time.monotonic() < deadline
    for number in range(300):  # No page that is still damaged may stop it later for more than moments.
        save(cache, f"before {number}", 2, size=500)
    other.close()
    assert (recovered, works_together(cache, cache, "last")) == (True, True)


@pytest.mark.parametrize("fault", [random_bytes, replaced_by_other_text])
def test_damaged_at_start(fault: Callable[[Path], None], path: Path) -> None:
    """A file that is damaged before anybody opens it is put aside."""
    path.touch()
    fault(path)
    cache = SqliteCache(path)
    outcome = save(cache)
    cache.close()
    assert (outcome, Path(f"{path}.damaged").exists()) == (SaveOutcome.SAVED, True)


def test_damage_is_told(cache: SqliteCache, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line says which file was damaged and where it is now."""
    cache.close()
    random_bytes(path)
    with caplog.at_level(logging.WARNING):
        cache.load("k")
    [line] = [record.getMessage() for record in caplog.records]
    assert (str(path) in line, f"{path}.damaged" in line) == (True, True)


def test_put_aside_once(cache: SqliteCache, path: Path) -> None:
    """Who finds the damage second leaves the new file alone."""
    damaged = sqlite_files.identify(path, 1)
    cache.close()
    random_bytes(path)
    save(cache, "new")
    sqlite_files.put_aside(path, damaged, 1)
    assert cache.load("new") == Stored(b"v", 1)


def test_what_was_done_to_a_lost_file_is_done_again(
    cache: SqliteCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tombstone that went into a file that was removed meanwhile is written to the new one."""
    is_current = sqlite_files.OpenFile.is_current
    calls: list[bool] = []

    def removed_in_between(opened: sqlite_files.OpenFile) -> bool:
        calls.append(True)
        if len(calls) == 2:
            path.unlink()
        return is_current(opened)

    monkeypatch.setattr(sqlite_files.OpenFile, "is_current", removed_in_between)
    cache.bury("k", ttl_seconds=60)
    monkeypatch.undo()
    assert cache.load("k") == Stored(None, 0)


def test_gives_up_where_it_changes_all_the_time(cache: SqliteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is another one at every look makes the cache unavailable, not the call endless."""
    monkeypatch.setattr(sqlite_files.OpenFile, "is_current", lambda _: False)
    with pytest.raises(CacheUnavailable):
        cache.load("k")


# ----------------------------------------------------------------------------------------------------------- under load


def hammer(path: Path, stop_at: float, seed: int) -> None:
    """Use the cache in every way until the time is over; only one kind of error may come out."""
    cache = SqliteCache(path, pause_seconds=0.1)
    chance = random.Random(seed)
    while time.time() < stop_at:
        key = f"k{chance.randrange(50)}"
        try:
            save(cache, key, chance.randrange(10**6), size=chance.randrange(3000))
            lease = cache.take_lease(key, ttl_seconds=5)
            cache.load(key)
            if lease is not None:
                cache.free_lease(lease)
            if chance.random() < 0.05:
                cache.bury(f"b{chance.randrange(1000)}", ttl_seconds=60)
            if chance.random() < 0.02:
                cache.close()
        except CacheUnavailable:
            time.sleep(0.01)
    outcome = None
    while outcome is None and time.time() < stop_at + RECOVERY_SECONDS:
        try:
            outcome = save(cache, f"last words of {seed}")
        except CacheUnavailable:
            time.sleep(0.05)
    cache.close()


@pytest.mark.parametrize("fault", [random_bytes, removed, removed_with_side_files, replaced_by_other_text])
def test_recovers_under_load(fault: Callable[[Path], None], cache: SqliteCache, path: Path) -> None:
    """Processes that work on the file while it is removed or damaged ten times all end on the same one."""
    stop_at = time.time() + 4
    workers = [SPAWN.Process(target=hammer, args=(path, stop_at, seed)) for seed in range(3)]
    for worker in workers:
        worker.start()
    while time.time() < stop_at - 0.5:
        time.sleep(0.25)
        try:
            fault(path)
        except FileNotFoundError:
            continue
    for worker in workers:
        worker.join(30)
    words = [cache.load(f"last words of {seed}") for seed in range(3)]
    assert ([worker.exitcode for worker in workers], words) == ([0] * 3, [Stored(b"v", 1)] * 3)


# --------------------------------------------------------------------------------------------------------------- locked


def hold_exclusively(path: Path, held: Callable[[], object], release: Callable[[float], object]) -> None:
    """Hold the file's write lock in a process of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    held()
    release(30)
    connection.close()


def test_locked_by_another_process(cache: SqliteCache, path: Path) -> None:
    """While another process holds the lock writes fail within the bound; afterwards they work by themselves."""
    held, release = SPAWN.Event(), SPAWN.Event()
    holder = SPAWN.Process(target=hold_exclusively, args=(path, held.set, release.wait))
    holder.start()
    held.wait(20)
    started = time.monotonic()
    with pytest.raises(CacheUnavailable):
        cache.take_lease("k", ttl_seconds=5)
    spent = time.monotonic() - started
    release.set()
    holder.join(20)
    recovered = wait_for(lambda: cache.take_lease("k", ttl_seconds=5) is not None)
    assert (spent < 1.5, recovered) == (True, True)


def wait_for(call: Callable[[], bool]) -> bool:
    """Try until it works, at most as long as the contract grants."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        try:
            if call():
                return True
        except CacheUnavailable:
            pass
        time.sleep(0.05)
    return False


def test_writer_stopped(cache: SqliteCache, path: Path) -> None:
    """A process that is stopped while it writes blocks others no longer than the bound, and readers not at all."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        hold_exclusively(path, partial(os.write, write_end, b"!"), time.sleep)
        os._exit(0)
    os.read(read_end, 1)
    os.kill(child, signal.SIGSTOP)
    started = time.monotonic()
    seen = cache.load("k")
    with pytest.raises(CacheUnavailable):
        save(cache, version=2)
    spent = time.monotonic() - started
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read_end)
    os.close(write_end)
    assert (seen, spent < 1.5, wait_for(lambda: save(cache, version=3) is SaveOutcome.SAVED)) == (
        Stored(b"v", 1),
        True,
        True,
    )


def test_opening_blocked(path: Path) -> None:
    """A process that was stopped while it opened the files blocks others no longer than the bound."""
    clock = FakeClock()
    cache = SqliteCache(path, busy_timeout_seconds=0.1, monotonic=clock)
    with sqlite_files.locked(path, 1), pytest.raises(CacheUnavailable):
        cache.load("k")
    clock.advance(2)
    assert cache.load("k") is None
    cache.close()


def test_writers_of_this_process_wait_bounded(cache: SqliteCache) -> None:
    """A thread that writes for too long makes others fail, not hang."""
    quick = SqliteCache(cache._path, busy_timeout_seconds=0.1)
    with quick._turn("write"), pytest.raises(CacheUnavailable):
        threaded(partial(save, quick))
    quick.close()


def threaded(call: Callable[[], object]) -> None:
    """Call in another thread, and raise what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except CacheUnavailable as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for error in raised:
        raise error


# --------------------------------------------------------------------------------------------------- full and read-only


def fill_the_disk(path: Path) -> int:
    """Write until no file may grow; then let it, and return 0 if the cache works again."""
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
    readable = wait_for(lambda: cache.load("first") == Stored(b"v", 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    works = wait_for(lambda: save(cache, "after", size=20_000) is SaveOutcome.SAVED)
    cache.close()
    return 0 if failed > 50 and readable and works and is_whole(path) else 1


def is_whole(path: Path) -> bool:
    """Return whether SQLite finds nothing wrong with the file."""
    connection = sqlite3.connect(path)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    finally:
        connection.close()


def exit_with(work: Callable[[Path], int], path: Path) -> None:
    """End a process with what its work returned."""
    os._exit(work(path))


def test_disk_full(path: Path) -> None:
    """On a full disk writes fail, reads go on, nothing is broken, and writes work once there is room."""
    process = SPAWN.Process(target=exit_with, args=(fill_the_disk, path))
    process.start()
    process.join(50)
    assert process.exitcode == 0


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_read_only_files() -> None:
    """A user who may read the files but not write them finds the cache out of reach; nothing else comes out."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "cache.sqlite"
        made = SqliteCache(path)
        save(made)
        made.close()
        path.chmod(0o444)
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                SqliteCache(path).load("k")
            except CacheUnavailable:
                os._exit(7)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 7
