"""Many processes on one SQLite file: spawned ones, and forked ones that had the cache open before."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable
from tests.caches.sqlite_kit import SPAWN, insist, is_whole, rows, save
from tests.drivers.forking import exit_code, fork_off

PROCESSES = 4
MANY = 100

Work = Callable[[SqliteCache, Path, int], None]


@pytest.fixture
def cache(path: Path) -> Iterator[SqliteCache]:
    """Return the cache as this process sees it."""
    made = SqliteCache(path)
    yield made
    made.close()


def run_spawned(work: Work, path: Path) -> None:
    """Run ``work`` in new processes at once; one that fails fails the test."""
    processes = [SPAWN.Process(target=work_in_process, args=(work, path, number)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(50)
    assert [process.exitcode for process in processes] == [0] * PROCESSES


def work_in_process(work: Work, path: Path, number: int) -> None:
    """What a spawned process does."""
    cache = SqliteCache(path)
    work(cache, path, number)
    cache.close()


def run_forked(work: Work, path: Path, cache: SqliteCache, processes: int = PROCESSES) -> None:
    """Run ``work`` in forks of this process, with the cache that this process has open."""

    def run(number: int) -> None:
        work(cache, path, number)
        cache.close()

    children = [fork_off(partial(run, number)) for number in range(processes)]
    assert [exit_code(child) for child in children] == [0] * processes


@pytest.fixture
def run(path: Path, cache: SqliteCache) -> Callable[[Work], None]:
    """Return what runs the same work in several forks of a process that has the cache open."""
    save(cache, "opened before the fork")
    return lambda work: run_forked(work, path, cache)


def take_and_free(cache: SqliteCache, path: Path, _: int) -> None:
    """Take the lease many times; note its fence; and find out whether somebody else holds it too."""
    inside, fences = Path(f"{path}.inside"), Path(f"{path}.fences")
    held = 0
    while held < 25:
        with contextlib.suppress(CacheUnavailable):  # In time, or not at all; never another error.
            lease = cache.take_lease("k", ttl_seconds=30)
            if lease is None:
                time.sleep(random.uniform(0, 0.002))
                continue
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            with fences.open("a") as notes:
                notes.write(f"{lease.fence}\n")
            inside.unlink()
            held += 1
            insist(cache.free_lease, lease)


@pytest.mark.parametrize("kind", ["spawned", "forked"])
def test_one_holder_over_processes(kind: str, cache: SqliteCache, path: Path) -> None:
    """Only one process at a time holds a lease, and the fence rises with each."""
    if kind == "spawned":
        run_spawned(take_and_free, path)
    else:
        run_forked(take_and_free, path, cache)
    fences = [int(line) for line in Path(f"{path}.fences").read_text().split()]
    assert (len(fences), fences) == (25 * PROCESSES, sorted(set(fences)))


def save_versions(cache: SqliteCache, _path: Path, number: int) -> None:
    """Save versions in a wild order; each process has its own."""
    versions = list(range(1 + number, 200, PROCESSES))
    random.Random(number).shuffle(versions)
    for version in versions:
        insist(cache.save, "k", b"%d" % version, version=version, ttl_seconds=60, create=True)


def test_highest_version_wins_over_processes(run: Callable[[Work], None], cache: SqliteCache) -> None:
    """Whatever order processes write in, the highest version stays."""
    run(save_versions)
    assert cache.load("k") == Stored(b"199", 199)


def bury_and_save(cache: SqliteCache, _path: Path, number: int) -> None:
    """Write to many keys while one process buries them; what is buried stays so."""
    for turn in range(60):
        key = f"k{turn}"
        if number == 0:
            insist(cache.bury, key, ttl_seconds=60)
            assert cache.load(key) == Stored(None, 0)
        else:
            insist(cache.save, key, b"v", version=turn + 1, ttl_seconds=60, create=True)


def test_tombstones_win_over_processes(run: Callable[[Work], None], cache: SqliteCache) -> None:
    """A tombstone of one process is never overwritten by another."""
    run(bury_and_save)
    assert {cache.load(f"k{turn}") for turn in range(60)} == {Stored(None, 0)}


def be_first(cache: SqliteCache, _path: Path, number: int) -> None:
    """Be among the first to open the file."""
    insist(save, cache, f"k{number}")


def test_all_start_at_once(path: Path, cache: SqliteCache) -> None:
    """Processes that start together make one file between them, and none loses its entry."""
    run_forked(be_first, path, cache)
    assert [cache.load(f"k{number}") for number in range(PROCESSES)] == [Stored(b"v", 1)] * PROCESSES


def work_among_many(cache: SqliteCache, _path: Path, number: int) -> None:
    """Do a little of everything, while very many others do so too."""
    insist(save, cache, f"k{number}")
    lease = None
    while lease is None:
        with contextlib.suppress(CacheUnavailable):
            lease = cache.take_lease(f"k{number}", ttl_seconds=30)
    insist(cache.save, f"k{number}", b"w", version=2, ttl_seconds=60, create=False, lease=lease)
    insist(cache.free_lease, lease)
    insist(cache.bury, f"b{number}", ttl_seconds=60)


def test_a_hundred_processes(path: Path, cache: SqliteCache) -> None:
    """A hundred processes share the file: each write is in it, and the file is whole."""
    run_forked(work_among_many, path, cache, MANY)
    assert {cache.load(f"k{number}") for number in range(MANY)} == {Stored(b"w", 2)}
    assert (rows(path), rows(path, "fotoweb_leases"), is_whole(path)) == (2 * MANY, 0, True)


def test_leases_are_told_apart(cache: SqliteCache, path: Path) -> None:
    """A process that lost its lease to another one's can't free that."""
    mine = cache.take_lease("k", ttl_seconds=0.001)
    time.sleep(0.01)
    assert mine is not None

    def take() -> None:
        assert cache.take_lease("k", ttl_seconds=60) is not None

    code = exit_code(fork_off(take))
    cache.free_lease(mine)
    assert (code, cache.take_lease("k", ttl_seconds=60)) == (0, None)


def test_late_save_of_an_old_lease(cache: SqliteCache) -> None:
    """A process that was held up until its lease had passed to another writes nothing over that one's work."""
    mine = cache.take_lease("k", ttl_seconds=0.001)
    time.sleep(0.01)

    def overtake() -> None:
        lease = cache.take_lease("k", ttl_seconds=60)
        assert cache.save("k", b"theirs", version=2, ttl_seconds=60, create=True, lease=lease) is SaveOutcome.SAVED

    code = exit_code(fork_off(overtake))
    outcome = cache.save("k", b"mine", version=3, ttl_seconds=60, create=False, lease=mine)
    assert (code, outcome, cache.load("k")) == (0, SaveOutcome.NEWER, Stored(b"theirs", 2))
