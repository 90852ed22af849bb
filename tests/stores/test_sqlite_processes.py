"""Many processes on one SQLite file: spawned ones, and forked ones whose parent had the store open."""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import os
import random
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry
from fotoweb_middleware.stores.memory import MemoryStore
from fotoweb_middleware.stores.sqlite import SqliteStore
from tests.providers.forking import exit_code, fork_off
from tests.providers.uncovered import run_uncovered
from tests.stores.sqlite_kit import let_all_be_patient, query, rows, run_forked, save

PROCESSES = 4
REVOKED = StoredEntry(None, 0)

Work = Callable[[SqliteStore, Path, int], None]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every store wait for others, however slow the machine is."""
    let_all_be_patient(monkeypatch)


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """Return a store that is open."""
    made = SqliteStore(path)
    save(made, "opened before the fork")
    yield made
    made.close()


def work_in_process(work: Work, path: Path, number: int) -> None:
    """What a spawned process does."""
    with pytest.MonkeyPatch.context() as patched:
        let_all_be_patient(patched)
        store = SqliteStore(path)
        work(store, path, number)
        store.close()


def run_many(kind: str, work: Work, store: SqliteStore, path: Path) -> None:
    """Run ``work`` in several processes at once; one that fails fails the test."""
    if kind == "forked":
        children = [fork_off(partial(work, store, path, number)) for number in range(PROCESSES)]
        codes: list[int | None] = [exit_code(child) for child in children]
    else:
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=work_in_process, args=(work, path, number)) for number in range(PROCESSES)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(50)
        codes = [process.exitcode for process in processes]
    assert codes == [0] * PROCESSES


def lock_in_turn(store: SqliteStore, path: Path, _: int) -> None:
    """Take the lock many times; note its fence; and find out whether somebody else holds it too."""
    inside, fences = Path(f"{path}.inside"), Path(f"{path}.fences")
    held = 0
    while held < 15:
        lock = store.acquire_lock("k", ttl_seconds=30)
        if lock is not None:
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            with fences.open("a") as notes:
                notes.write(f"{lock.fence}\n")
            inside.unlink()
            held += 1
            store.release_lock(lock)


@pytest.mark.parametrize("kind", ["spawned", "forked"])
def test_one_holder_over_processes(kind: str, store: SqliteStore, path: Path) -> None:
    """Only one process at a time holds a lock, and the fence rises with each."""
    run_many(kind, lock_in_turn, store, path)
    fences = [int(line) for line in Path(f"{path}.fences").read_text().split()]
    assert (len(fences), fences) == (15 * PROCESSES, sorted(set(fences)))


def write_and_revoke(store: SqliteStore, _path: Path, number: int) -> None:
    """Save versions in a wild order, each process its own; one also revokes; and use keys once."""
    versions = list(range(1 + number, 100, PROCESSES))
    random.Random(number).shuffle(versions)
    for turn, version in enumerate(versions):
        store.save("k", b"%d" % version, version=version, ttl_seconds=60, create=True)
        if number == 0:
            store.revoke(f"r{turn}", ttl_seconds=60)
        else:
            save(store, f"r{turn}", version)
        if store.use_once(f"u{turn}", ttl_seconds=60):
            save(store, f"{number} used {turn}")


def test_what_processes_write_together(store: SqliteStore, path: Path) -> None:
    """The highest version stays, what was revoked stays revoked, each key is used once, and the file is whole."""
    run_many("forked", write_and_revoke, store, path)
    assert store.load("k") == StoredEntry(b"99", 99)
    assert {store.load(f"r{turn}") for turn in range(25)} == {REVOKED}
    used = [store.load(f"{number} used {turn}") for number in range(PROCESSES) for turn in range(25)]
    assert used.count(StoredEntry(b"v", 1)) == 25
    assert query(path, "PRAGMA integrity_check") == ("ok",)


def be_first(store: SqliteStore, _path: Path, number: int) -> None:
    """Be among the first to open the file."""
    save(store, f"k{number}")


def test_all_start_at_once(path: Path) -> None:
    """Processes that start together make one file between them, and none loses its entry."""
    store = SqliteStore(path)
    run_many("forked", be_first, store, path)
    entries = [store.load(f"k{number}") for number in range(PROCESSES)]
    store.close()
    assert entries == [StoredEntry(b"v", 1)] * PROCESSES


# ---------------------------------------------------------------------------------------------------------------- forks


def test_nothing_open_in_a_child(store: SqliteStore, path: Path) -> None:
    """A child begins without any file of its parent open."""

    def look() -> None:
        for descriptor in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # That of the listing itself.
                assert not str(descriptor.readlink()).startswith(str(path))

    assert run_forked(look) == 0


def test_both_see_what_the_other_writes(store: SqliteStore, path: Path) -> None:
    """Parent, child and grandchild use the store in turn; nothing is lost when one closes it."""

    def in_child() -> None:
        assert save(store, version=2) is SaveOutcome.SAVED
        assert run_forked(lambda: save(store, "grandchild")) == 0
        assert store.load("grandchild") == StoredEntry(b"v", 1)
        store.close()

    save(store)
    assert run_forked(in_child) == 0
    assert (store.load("k"), store.load("grandchild"), rows(path)) == (StoredEntry(b"v", 2), StoredEntry(b"v", 1), 3)


def test_parent_closes_while_a_child_works(store: SqliteStore) -> None:
    """What a child writes after its parent has closed the file is not lost."""
    read_end, write_end = os.pipe()

    def in_child() -> None:
        save(store, "before")
        os.read(read_end, 1)
        save(store, "after")

    child = fork_off(in_child)
    while store.load("before") is None:
        pass
    store.close()
    os.write(write_end, b"!")
    code = exit_code(child)
    os.close(read_end)
    os.close(write_end)
    assert (code, store.load("after")) == (0, StoredEntry(b"v", 1))


def test_forgotten_in_a_child(store: SqliteStore) -> None:
    """A child that drops the store closes nothing of its parent's."""
    holder = [SqliteStore(store.path)]
    save(holder[0])

    def drop() -> None:
        holder.clear()
        gc.collect()

    assert run_forked(drop) == 0
    assert (holder[0].load("k"), save(holder[0], version=2)) == (StoredEntry(b"v", 1), SaveOutcome.SAVED)
    holder[0].close()


def try_forks_while_threads_work(folder: str) -> None:
    """Fork while threads use stores of both kinds; each child uses them too."""
    with pytest.MonkeyPatch.context() as patched:
        let_all_be_patient(patched)
        stores: list[Store] = [MemoryStore(1000), SqliteStore(Path(folder) / "store.sqlite")]
        versions, stop = itertools.count(1), threading.Event()
        for each in stores:
            save(each, "first")

        def hammer() -> None:
            while not stop.is_set():
                for each in stores:
                    save(each, "k", next(versions))
                    each.acquire_lock(f"{next(versions)}", ttl_seconds=0.01)

        threads = [threading.Thread(target=hammer) for _ in range(3)]
        for thread in threads:
            thread.start()

        def work(number: int) -> None:
            for each in stores:
                assert save(each, f"child {number}") is SaveOutcome.SAVED
            assert stores[1].load("first") is not None

        codes = [run_forked(partial(work, number)) for number in range(20)]
        stop.set()
        for thread in threads:
            thread.join()
        stores[1].close()
        assert codes == [0] * 20


def test_forks_while_threads_work(tmp_path: Path) -> None:
    """No child begins with a lock that nobody will release, or with a store in the middle of a change.

    In a process of its own, without coverage: that has locks which know no forks.
    """
    run_uncovered(
        "-c",
        f"import {__name__} as trials; trials.try_forks_while_threads_work({str(tmp_path)!r})",
        timeout_seconds=50,
    )


def test_memory_in_use_at_the_fork() -> None:
    """A child of a process that was changing the store begins with an empty one."""
    store = MemoryStore(10)
    save(store)

    def look() -> None:
        assert (store.load("k"), save(store)) == (None, SaveOutcome.SAVED)

    with store._lock:
        assert run_forked(look) == 0


def test_memory_in_a_child() -> None:
    """A child keeps its parent's entries and revocations, but not its locks, which nobody would release."""
    store = MemoryStore(10)
    save(store)
    store.revoke("revoked", ttl_seconds=60)
    store.acquire_lock("k", ttl_seconds=60)

    def look() -> None:
        assert (store.load("k"), store.load("revoked")) == (StoredEntry(b"v", 1), REVOKED)
        assert store.acquire_lock("k", ttl_seconds=60) is not None

    assert (run_forked(look), store.acquire_lock("k", ttl_seconds=60)) == (0, None)


class Noted:
    """Something that is told of forks."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def before_fork(self) -> None:
        """Note it."""
        self.told.append("before")

    def after_fork_in_parent(self) -> None:
        """Note it."""
        self.told.append("parent")

    def after_fork_in_child(self) -> None:
        """Note it."""
        self.told.append("child")


class NotedInChild:
    """Something that only cares for children."""

    def __init__(self) -> None:
        self.told = 0

    def after_fork_in_child(self) -> None:
        """Count."""
        self.told += 1


def test_hook() -> None:
    """What is registered is told in parent and child, what is gone is not held."""
    noted, counted = Noted(), NotedInChild()
    forks.register(noted)
    forks.register(counted)

    def look(noted: Noted, counted: NotedInChild) -> None:
        assert (noted.told, counted.told) == (["before", "child"], 1)

    assert run_forked(partial(look, noted, counted)) == 0
    assert (noted.told, counted.told) == (["before", "parent"], 0)
    registered = len(forks._registered)
    del noted, counted
    gc.collect()
    assert len(forks._registered) <= registered - 2
