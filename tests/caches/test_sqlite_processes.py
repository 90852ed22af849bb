"""Many processes on one SQLite file: spawned ones, and forked ones that had the cache open before."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.caches.sqlite import SqliteCache
from fotoweb_middleware.errors import CacheUnavailable

PROCESSES = 4
SPAWN = multiprocessing.get_context("spawn")

Work = Callable[[SqliteCache, Path, int], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file will lie."""
    return tmp_path / "cache.sqlite"


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


def run_forked(work: Work, path: Path, cache: SqliteCache) -> None:
    """Run ``work`` in forks of this process, with the cache that this process has open."""
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(cache, path, number)
                cache.close()
                code = 0
            except BaseException:  # noqa: BLE001 (a fork must not go on into pytest)
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * PROCESSES


@pytest.fixture(params=["spawned", "forked"])
def run(request: pytest.FixtureRequest, path: Path, cache: SqliteCache) -> Callable[[Work], None]:
    """Return what runs the same work in several processes."""
    if request.param == "spawned":
        return lambda work: run_spawned(work, path)
    cache.save("opened before the fork", b"v", version=1, ttl_seconds=60, create=True)
    return lambda work: run_forked(work, path, cache)


# -------------------------------------------------------------------------------------------------- one file, many ends


def take_and_free(cache: SqliteCache, path: Path, _: int) -> None:
    """Take the lease many times; note its fence; and find out whether somebody else holds it too."""
    inside, fences = Path(f"{path}.inside"), Path(f"{path}.fences")
    held = 0
    while held < 40:
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


def test_one_holder_over_processes(run: Callable[[Work], None], path: Path) -> None:
    """Only one process at a time holds a lease, and the fence rises with each."""
    run(take_and_free)
    fences = [int(line) for line in Path(f"{path}.fences").read_text().split()]
    assert (len(fences), fences) == (40 * PROCESSES, sorted(set(fences)))


def save_versions(cache: SqliteCache, _path: Path, number: int) -> None:
    """Save versions in a wild order; each process has its own."""
    versions = list(range(1 + number, 200, PROCESSES))
    random.Random(number).shuffle(versions)
    for version in versions:
        insist(cache.save, "k", b"%d" % version, version=version, ttl_seconds=60, create=True)


def insist(call: Callable[..., object], *args: object, **more: object) -> None:
    """Call until the cache answers."""
    while True:
        try:
            call(*args, **more)
        except CacheUnavailable:
            time.sleep(0.05)
        else:
            return


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


def open_first(cache: SqliteCache, _path: Path, number: int) -> None:
    """Be among the first to open the file."""
    outcome = cache.save(f"k{number}", b"v", version=1, ttl_seconds=60, create=True)
    assert outcome is SaveOutcome.SAVED


def test_all_start_at_once(path: Path, cache: SqliteCache) -> None:
    """Processes that start together make one file between them, and none loses its entry."""
    run_forked(open_first, path, cache)
    assert [cache.load(f"k{number}") for number in range(PROCESSES)] == [Stored(b"v", 1)] * PROCESSES


# ---------------------------------------------------------------------------------------------------------------- forks


def test_nothing_open_in_a_fork(cache: SqliteCache, path: Path) -> None:
    """A child begins without any file of its parent open."""
    cache.load("k")
    child = os.fork()
    if child == 0:
        os._exit(any(name.startswith(str(path)) for name in open_files()))
    assert os.waitpid(child, 0)[1] == 0


def open_files() -> Iterator[str]:
    """Return the names of the files that this process has open."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # That of the listing itself.
            yield str(descriptor.readlink())


def test_parent_goes_on_after_a_fork(cache: SqliteCache) -> None:
    """The parent uses the cache before and after the child does."""
    cache.save("k", b"parent", version=1, ttl_seconds=60, create=True)
    child = os.fork()
    if child == 0:
        os._exit(cache.save("k", b"child", version=2, ttl_seconds=60, create=False) is not SaveOutcome.SAVED)
    code = os.waitpid(child, 0)[1]
    assert (code, cache.load("k")) == (0, Stored(b"child", 2))


def test_forks_while_threads_work(cache: SqliteCache, path: Path) -> None:
    """A fork waits for the calls of other threads, so no child begins with a lock that nobody will free."""
    stop = threading.Event()

    def hammer(number: int) -> None:
        version = 0
        while not stop.is_set():
            version += 1
            insist(cache.save, f"t{number}", b"v" * 1000, version=version, ttl_seconds=60, create=True)

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            run_forked(save_versions, path, cache)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert is_whole(path)


def test_fork_past_the_hooks(cache: SqliteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a server in C forked, the parent's connections are neither used nor closed."""
    cache.load("k")
    [inherited] = cache._connections._idle
    monkeypatch.setattr(cache._connections, "_pid", os.getpid() + 1)
    cache.load("k")
    [own] = cache._connections._idle
    still_open = inherited.connection.execute("SELECT 1").fetchone()
    inherited.connection.close()
    assert (own is inherited, still_open) == (False, (1,))


# -------------------------------------------------------------------------------------------------------- sudden death


def write_for_ever(path: Path) -> None:
    """Write until killed."""
    cache = SqliteCache(path)
    version = 0
    while True:
        version += 1
        insist(cache.save, f"k{version % 50}", b"v" * 3000, version=version, ttl_seconds=600, create=True)
        insist(cache.bury, f"b{version % 50}", ttl_seconds=600)


def is_whole(path: Path) -> bool:
    """Return whether SQLite finds nothing wrong with the file."""
    connection = sqlite3.connect(path)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    finally:
        connection.close()


def rows_written(path: Path) -> int:
    """Count the entries."""
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM fotoweb_entries").fetchone()[0])
    finally:
        connection.close()


def test_killed_in_the_middle_of_writes(path: Path, cache: SqliteCache) -> None:
    """A process that is killed at any moment, 30 times, leaves a whole file and nothing locked."""
    chance = random.Random(3)
    cache.save("mine", b"v", version=1, ttl_seconds=600, create=True)
    found = []
    for _ in range(30):
        writer = os.fork()
        if writer == 0:
            write_for_ever(path)
        time.sleep(chance.uniform(0.01, 0.1))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        found.append((is_whole(path), cache.load("mine"), cache.load("b1")))
    assert set(found) <= {(True, Stored(b"v", 1), buried) for buried in (None, Stored(None, 0))}
    assert rows_written(path) > 30


def test_lease_of_a_killed_process(path: Path, cache: SqliteCache) -> None:
    """The lease of a process that was killed ends by itself."""
    code = (
        "import os, sys; from fotoweb_middleware.caches.sqlite import SqliteCache;"
        "SqliteCache(sys.argv[1]).take_lease('k', ttl_seconds=1.5); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=False)
    blocked = cache.take_lease("k", ttl_seconds=1) is None
    deadline = time.monotonic() + 5
    while cache.take_lease("k", ttl_seconds=1) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (blocked, time.monotonic() < deadline) == (True, True)
