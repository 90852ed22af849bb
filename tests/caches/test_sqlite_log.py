"""What an operator sees in the log when a SQLite file is in trouble: a line when it begins, a line when it is over."""

from __future__ import annotations

import contextlib
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from fotoweb_middleware.caches import sqlite_files
from fotoweb_middleware.caches.local import FolderUnsafe
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.caches.sqlite_files import locked
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock
from tests.caches.sqlite_damage import random_bytes
from tests.caches.sqlite_kit import locked_by_another, save
from tests.drivers.forking import forked, run_trial

BUSY_SECONDS = 0.1
PAUSE_SECONDS = 1.0
CALLERS = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file will lie, in a folder of its own."""
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder / "sessions.db"


@pytest.fixture
def cache(path: Path, clock: FakeClock) -> Iterator[SqliteCache]:
    """Return a cache with one entry."""
    made = SqliteCache(path, busy_timeout_seconds=BUSY_SECONDS, pause_seconds=PAUSE_SECONDS, monotonic=clock)
    save(made)
    yield made
    made.close()


def failure(call: Callable[[], object]) -> str:
    """Return the words of the ``CacheUnavailable`` that a call raises."""
    with pytest.raises(CacheUnavailable) as raised:
        call()
    return str(raised.value)


@contextlib.contextmanager
def folder_away(path: Path) -> Iterator[None]:
    """Take the folder away as a mount that is lost, and bring it back."""
    aside = path.parent.with_name("aside")
    path.parent.rename(aside)
    yield
    aside.rename(path.parent)


@contextlib.contextmanager
def being_opened(path: Path) -> Iterator[None]:
    """Let another process be in the middle of opening the files, with none of ours open."""
    with locked(path, float("inf")):
        yield


@contextlib.contextmanager
def disk_full(_path: Path) -> Iterator[None]:
    """Let no file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


FAULTS: dict[str, tuple[Callable[[Path], AbstractContextManager[None]], str, str]] = {
    "locked": (locked_by_another, "writing", "database is locked"),
    "away": (folder_away, "reading", "No such file or directory"),
    "full": (disk_full, "writing", "disk I/O error"),
}


def ask(cache: SqliteCache, clock: FakeClock, version: int = 2) -> None:
    """Read and write from several threads at once, three times, the pause between them over; whatever comes of it."""
    start = threading.Barrier(CALLERS)

    def call(_caller: int) -> None:
        start.wait()
        with contextlib.suppress(CacheUnavailable):
            cache.load("k")
        with contextlib.suppress(CacheUnavailable):
            save(cache, version=version)

    with ThreadPoolExecutor(CALLERS) as pool:
        for _ in range(3):
            list(pool.map(call, range(CALLERS)))
            clock.advance(PAUSE_SECONDS + 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_line_and_one_line(
    fault: str,
    cache: SqliteCache,
    path: Path,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many calls fail meanwhile: a line with file and cause, and one when it is over, with how long it took."""
    inflict, what, cause = FAULTS[fault]
    # Threads open the file one after another, which on a slow machine takes longer than BUSY_SECONDS: a trouble too.
    wait_for_lock = sqlite_files.wait_for_lock
    monkeypatch.setattr(sqlite_files, "wait_for_lock", lambda lock, deadline: wait_for_lock(lock, deadline + 30))
    # Somebody else has the file open all the time: who closes it last takes files along for which a full disk has no
    # room any more, and then reading is refused as well.
    with contextlib.closing(SqliteCache(path)) as bystander:
        bystander.load("k")
        with inflict(path):
            ask(cache, clock)
        for version in (3, 4):
            assert (cache.load("k") is not None, save(cache, version=version)) == (True, SaveOutcome.SAVED)
    first, last = caplog.messages
    assert first == (
        f"The cache file {path}: {what} is refused: {cause}. Until that is mended, logouts and refreshes may not reach "
        "the other processes."
    )
    assert last == f"The cache file {path}: {what} works again after 6.0 s."


def test_being_opened(cache: SqliteCache, path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """Another process that does not come to an end with opening the file is a trouble too."""
    cache.close()
    with being_opened(path):
        failure(lambda: cache.load("k"))
    clock.advance(PAUSE_SECONDS + 1)
    assert cache.load("k") == Stored(b"v", 1)
    assert ["another process is opening or closing it" in line for line in caplog.messages] == [True, False]
    assert "reading works again after 2.0 s" in caplog.messages[1]


def test_reading_is_no_sign_for_writing(cache: SqliteCache, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """That a locked file can be read is not the end of its trouble."""
    with locked_by_another(path):
        failure(lambda: save(cache, version=2))
        assert cache.load("k") == Stored(b"v", 1)
    assert len(caplog.messages) == 1


def test_pause_says_nothing(cache: SqliteCache, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A call that fails because another one has just waited in vain tells its caller, and no log."""
    with locked_by_another(path):
        failure(lambda: save(cache, version=2))
        caplog.clear()
        told = failure(lambda: save(cache, version=2))
    assert ("was locked a moment ago" in told, caplog.messages) == (True, [])


def test_place_in_the_queue_says_nothing(cache: SqliteCache, caplog: pytest.LogCaptureFixture) -> None:
    """A call that fails behind others of its own process tells no log: those tell what is wrong, if anything is."""
    with cache._connections.turn:
        told = failure(lambda: save(cache, version=2))
    assert ("others of this process" in told, caplog.messages) == (True, [])


def test_unsafe_folder(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where somebody else could plant files the line says so."""

    def refuse() -> None:
        raise FolderUnsafe("others may rename what lies in /tmp")

    cache = SqliteCache(path, ready_folder=refuse)
    told = [failure(lambda: cache.load("k")) for _ in range(3)]
    assert ["others may rename what lies in /tmp" in line for line in caplog.messages] == [True]
    assert "others may rename what lies in /tmp" in told[0]


def test_damage_has_its_own_line(cache: SqliteCache, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged file is put aside, which is told; nothing is refused, so nothing works again."""
    cache.close()
    random_bytes(path)
    save(cache, version=2)
    assert ["was damaged. It is now" in line for line in caplog.messages] == [True]


def test_removed_file_says_nothing(cache: SqliteCache, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is removed is made anew, and nothing is wrong with that."""
    path.unlink()
    assert (cache.load("k"), caplog.messages) == (None, [])


def test_file_of_others(cache: SqliteCache, caplog: pytest.LogCaptureFixture) -> None:
    """A file that never becomes one of ours is told of, too."""

    def fail(_: object) -> None:
        with cache._connections.lend(float("inf")) as opened:
            opened.connection.execute("SELECT 1 FROM missing")

    failure(lambda: cache._read(fail, float("inf")))
    assert ["reading is refused: it changes all the time" in line for line in caplog.messages] == [True]


def test_no_secret(cache: SqliteCache, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No line, and no error, holds a key or a value."""
    with folder_away(path):
        told = failure(lambda: cache.save("S3CR3T", b"S3CR3T", version=1, ttl_seconds=60, create=True))
    cache.bury("S3CR3T", ttl_seconds=60)
    assert len(caplog.messages) == 2
    assert "S3CR3T" not in caplog.text + told


def try_forks(path: str) -> None:
    """Fork five times while other threads tell of a trouble; each child meets the trouble too."""
    clock = FakeClock()
    cache = SqliteCache(Path(path), busy_timeout_seconds=BUSY_SECONDS, pause_seconds=PAUSE_SECONDS, monotonic=clock)
    save(cache)
    with folder_away(Path(path)), ThreadPoolExecutor(1) as pool:
        telling = pool.submit(ask, cache, clock)
        for _ in range(5):
            forked(lambda: failure(lambda: cache.load("k")))
        telling.result()
    cache.close()


def test_fork(path: Path) -> None:
    """A process that forks while its threads tell of a trouble leaves the child nothing to wait for."""
    run_trial(try_forks, str(path))
