"""A SQLite file that is damaged, removed, locked, full or read-only: bounded waits, one error, and soon back."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores import sqlite
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry
from fotoweb_middleware.stores.monitored import MonitoredStore
from fotoweb_middleware.stores.sqlite import SqliteStore
from fotoweb_middleware.testing import FakeClock
from tests.stores.sqlite_kit import fails, let_all_be_patient, let_none_wait, locked_by_another, query, run_forked, save

REVOKED = StoredEntry(None, 0)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every store wait for others, however slow the machine is."""
    let_all_be_patient(monkeypatch)


@pytest.fixture
def impatient(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no store wait."""
    let_none_wait(monkeypatch)


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    """Return a store with one entry."""
    made = SqliteStore(path, monotonic=clock)
    save(made)
    yield made
    made.close()


# -------------------------------------------------------------------------------------------------- damaged and removed


def random_bytes(path: Path) -> None:
    """Write random bytes over the whole file, in place."""
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(path.stat().st_size or 8192))


def random_pages(path: Path) -> None:
    """Write random bytes over all pages but the first."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(random.Random(1).randbytes(max(size - 4096, 0)))


def cut(path: Path) -> None:
    """Cut the file in the middle of a page."""
    os.truncate(path, 5000)


def removed(path: Path) -> None:
    """Remove the database file alone."""
    path.unlink()


def removed_with_side_files(path: Path) -> None:
    """Remove everything."""
    for name in list(path.parent.iterdir()):
        name.unlink()


def replaced_by_text(path: Path) -> None:
    """Put another file in its place."""
    other = path.with_suffix(".txt")
    other.write_text("no database at all\n" * 1000)
    other.replace(path)


def tables_dropped(path: Path) -> None:
    """Take our tables away."""
    query(path, "DROP TABLE fotoweb_store_entries")


FAULTS = [random_bytes, random_pages, cut, removed, removed_with_side_files, replaced_by_text, tables_dropped]


def insist(call: Callable[[], object]) -> None:
    """Call a few times: each of the connections that are open may find the damage once."""
    for _ in range(20):
        with contextlib.suppress(StoreUnavailable):
            call()
            return
    pytest.fail("the store does not come back")


@pytest.mark.parametrize("fault", FAULTS)
def test_recovers(fault: Callable[[Path], None], store: SqliteStore, path: Path, clock: FakeClock) -> None:
    """Whatever happens to the file, two processes that had it open work together again at once."""
    other = SqliteStore(path, monotonic=clock)
    for number in range(20):
        save(store, f"before {number}", size=1500)
    query(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    other.load("k")
    fault(path)
    for number in range(20):  # What is left of a damaged page is found when it is read.
        insist(lambda number=number: save(store, f"before {number}", 2, size=1500))  # type: ignore[misc]
        insist(lambda number=number: other.load(f"before {number}"))  # type: ignore[misc]

    assert save(store, "after", 7) is SaveOutcome.SAVED
    assert other.load("after") == StoredEntry(b"v", 7)
    assert other.acquire_lock("after", ttl_seconds=60) is not None
    assert store.acquire_lock("after", ttl_seconds=60) is None
    other.close()


@pytest.mark.parametrize("fault", [random_bytes, replaced_by_text])
def test_damaged_at_start(fault: Callable[[Path], None], path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is damaged before anybody opens it is put aside, and one line says so."""
    path.touch()
    fault(path)
    store = SqliteStore(path)
    outcome = save(store)
    store.close()
    assert (outcome, Path(f"{path}.damaged").exists()) == (SaveOutcome.SAVED, True)
    assert [(str(path) in line, "was damaged" in line) for line in caplog.messages] == [(True, True)]


def test_an_empty_file_of_the_operator(path: Path) -> None:
    """A file that somebody made beforehand, empty, is used as it is."""
    path.touch(0o600)
    made = sqlite._file_id(path)
    store = SqliteStore(path)
    save(store)
    store.close()
    assert (sqlite._file_id(path), Path(f"{path}.damaged").exists()) == (made, False)


def test_removed_file_says_nothing(store: SqliteStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is removed is made again, and nothing is wrong with that."""
    path.unlink()
    assert (store.load("k"), caplog.messages) == (None, [])


# --------------------------------------------------------------------------------------------------------------- locked


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("what", ["save", "revoke", "acquire_lock", "release_lock", "use_once"])
def test_locked_file(what: str, store: SqliteStore, path: Path) -> None:
    """A write to a file that somebody else keeps locked fails; reading continues, also while writes pause."""
    lock = store.acquire_lock("locked", ttl_seconds=5)
    assert lock is not None
    calls: dict[str, Callable[[], object]] = {
        "save": lambda: save(store, version=2),
        "revoke": lambda: store.revoke("k", ttl_seconds=5),
        "acquire_lock": lambda: store.acquire_lock("k", ttl_seconds=5),
        "release_lock": lambda: store.release_lock(lock),
        "use_once": lambda: store.use_once("k", ttl_seconds=5),
    }
    with locked_by_another(path):
        fails(calls[what])
        assert store.load("k") == StoredEntry(b"v", 1)


@pytest.mark.usefixtures("impatient")
def test_lock_asked_for_in_vain(store: SqliteStore, path: Path, clock: FakeClock) -> None:
    """A call that was given up is not carried out later: once the file is free, so is the lock."""
    with locked_by_another(path):
        fails(lambda: store.acquire_lock("k", ttl_seconds=60))
    clock.advance(1.1)

    assert store.acquire_lock("k", ttl_seconds=60) is not None


@pytest.mark.usefixtures("impatient")
def test_pause(store: SqliteStore, path: Path, clock: FakeClock) -> None:
    """Once a wait was in vain nobody waits again for a second; then writes are tried again."""
    with locked_by_another(path):
        fails(lambda: save(store, version=2))
    paused = fails(lambda: save(store, version=2))
    clock.advance(1.1)
    assert ("a moment ago" in paused, save(store, version=2)) == (True, SaveOutcome.SAVED)


@pytest.mark.usefixtures("impatient")
def test_revocation_is_tried_during_a_pause(store: SqliteStore, path: Path) -> None:
    """A logout does not give up because another write has just failed."""
    with locked_by_another(path):
        fails(lambda: save(store, version=2))
    store.revoke("k", ttl_seconds=60)
    assert store.load("k") == REVOKED


@pytest.mark.usefixtures("impatient")
def test_another_process_stopped_while_it_opens(path: Path, clock: FakeClock) -> None:
    """A process that is stopped while it opens the file makes others fail, not hang; who has it open continues."""
    opened, new = SqliteStore(path, monotonic=clock), SqliteStore(path, monotonic=clock)
    save(opened)
    opened.load("k")
    folder = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    fails(lambda: new.load("k"))
    assert opened.load("k") == StoredEntry(b"v", 1)
    os.close(folder)
    clock.advance(2)
    assert new.load("k") == StoredEntry(b"v", 1)
    opened.close()
    new.close()


@pytest.mark.usefixtures("impatient")
def test_writers_and_readers_of_this_process(store: SqliteStore) -> None:
    """Threads that take too long make others fail, not hang; those who read don't wait for those who write."""
    with store._access["writing"].lock:
        assert "other threads" in fails(lambda: save(store, version=2))
        assert store.load("k") == StoredEntry(b"v", 1)
    with store._access["reading"].lock:
        assert "other threads" in fails(lambda: store.load("k"))


def test_partial_call_is_undone(store: SqliteStore) -> None:
    """A write that ends in an error leaves nothing behind and nothing locked."""

    def fail(_: object) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        store._write(fail)
    assert save(store, version=2) is SaveOutcome.SAVED


# --------------------------------------------------------------------------------------------------- full and read-only


def fill_the_disk(path: Path) -> None:
    """Write until no file may grow, look what still works then, and let it grow again."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = SqliteStore(path)
    save(store, "first")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    failed = 0
    for number in range(100):
        try:
            save(store, f"k{number}", size=20_000)
        except StoreUnavailable:
            failed += 1
    assert failed > 50
    assert store.load("first") == StoredEntry(b"v", 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert save(store, "after", size=20_000) is SaveOutcome.SAVED
    store.close()
    assert query(path, "PRAGMA integrity_check") == ("ok",)


def test_disk_full(path: Path) -> None:
    """On a full disk writes fail, reads continue, nothing is broken, and writes work once there is room."""
    assert run_forked(lambda: fill_the_disk(path)) == 0


@pytest.mark.parametrize("pragma", ["max_page_count = 1", "query_only = ON"])
def test_connection_that_can_not_write(pragma: str, store: SqliteStore) -> None:
    """SQLite's own word for a full or read-only file makes the store unavailable; the next call opens it again."""
    connection = store._access["writing"].connection
    assert connection is not None
    connection.execute(f"PRAGMA {pragma}")
    fails(lambda: save(store, "large", size=100_000))
    assert (store.load("k"), save(store, "large", size=100_000)) == (StoredEntry(b"v", 1), SaveOutcome.SAVED)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EMFILE])
def test_folder_refuses(number: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file can be made the store is out of reach, and is back as soon as one can."""
    store = SqliteStore(path)

    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        fails(lambda: store.load("k"))
    assert save(store) is SaveOutcome.SAVED
    store.close()


def test_read_only_files() -> None:
    """A user who may read the files but not write them finds the store out of reach; nothing else comes out."""

    def read_as_nobody() -> None:
        if os.geteuid() == 0:  # Root may write everything.
            os.setuid(65534)
        fails(lambda: SqliteStore(path).load("k"))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        made = SqliteStore(path)
        save(made)
        made.close()
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        code = run_forked(read_as_nobody)
        Path(folder).chmod(0o755)
    assert code == 0


# -------------------------------------------------------------------------------------------------------------- the log


@contextlib.contextmanager
def folder_away(path: Path) -> Iterator[None]:
    """Take the folder away as a mount that is lost, and bring it back."""
    aside = path.parent.with_name(f"{path.parent.name} aside")
    path.parent.rename(aside)
    yield
    aside.rename(path.parent)


TROUBLES: list[tuple[Callable[[Path], AbstractContextManager[None]], str]] = [
    (locked_by_another, "save: {path}: writing failed: database is locked"),
    (folder_away, "load: {path}: reading failed: No such file or directory"),
]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("inflict", "cause"), TROUBLES)
def test_one_line_and_one_line(
    inflict: Callable[[Path], AbstractContextManager[None]],
    cause: str,
    store: SqliteStore,
    path: Path,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However many calls fail meanwhile: a line with file and cause, and one when it is over, with how long it took."""
    monitored = MonitoredStore(store, clock)
    store.load("k")
    with inflict(path):
        for _ in range(3):
            for call in (lambda: monitored.load("k"), lambda: save(monitored, version=2)):
                with contextlib.suppress(StoreUnavailable):
                    call()
            clock.advance(2)
    assert monitored.load("k") is not None
    assert save(monitored, version=3) is SaveOutcome.SAVED
    first, last = caplog.messages
    assert first.startswith(f"The session store is failing: {cause.format(path=path)}.")
    assert last == "The session store works again after 6.0 s."


def test_no_secret(store: SqliteStore, path: Path) -> None:
    """No error holds a key or a value."""
    with folder_away(path):
        assert "S3CR3T" not in fails(lambda: save(store, "S3CR3T"))
