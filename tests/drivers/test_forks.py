"""What a process remembers goes through forks, and what belongs to its threads does not."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from collections.abc import Callable

import anyio
import pytest

from fotoweb_middleware.caches import forks
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.caches.protocol import SaveOutcome, Stored
from fotoweb_middleware.drivers.flights import Flights
from fotoweb_middleware.effects import Claim, Flow, LoadRecord, PostForm, TakeLease
from tests.drivers.forking import forked, held_elsewhere, insist, repeated_elsewhere, run_trial
from tests.drivers.kit import ToyCache, awaiting_driver, blocking_driver, perform, raw_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SECRETS = (("client_secret", "S3CR3T"),)


def save(cache: MemoryCache, key: str) -> SaveOutcome:
    """Write an entry, or write it again."""
    return cache.save(key, b"v", version=time.monotonic_ns(), ttl_seconds=60, create=True)


# ------------------------------------------------------------------------------------------------------- locks


def try_flights_lock() -> None:
    """Fork while another thread holds the lock of the flights."""
    flights = Flights()
    with held_elsewhere(flights.lock):
        forked(lambda: insist(flights.begin("k")))


def try_memory_lock() -> None:
    """Fork while another thread holds the lock of the memory cache."""
    cache = MemoryCache(10)
    with held_elsewhere(cache.lock):
        forked(lambda: insist(save(cache, "k") is SaveOutcome.SAVED))


def try_client_lock() -> None:
    """Fork while another thread holds the lock of httpx's pool."""
    driver = blocking_driver(ToyCache(), None)
    driver._ready_client()
    [pool] = [thing for thing in gc.get_objects() if type(thing).__name__ == "ConnectionPool"]
    taken, stop = threading.Event(), threading.Event()

    def hold() -> None:
        with pool._optional_thread_lock:
            taken.set()
            stop.wait(20)

    threading.Thread(target=hold, daemon=True).start()
    taken.wait()
    with raw_server(OK) as server:
        forked(lambda: insist(driver.run(perform(PostForm(server.url, SECRETS))).status == 200))
        stop.set()


@pytest.mark.parametrize("trial", [try_flights_lock, try_memory_lock, try_client_lock])
def test_lock_held_by_another_thread(trial: Callable[[], None]) -> None:
    """A child can use what another thread had locked at the moment of the fork."""
    run_trial(trial)


def try_hammer() -> None:
    """Fork again and again while threads change everything as fast as they can."""
    flights, cache = Flights(), MemoryCache(50)

    def fly() -> None:
        for number in range(100):
            flights.begin(f"k{number}")
            flights.claim(f"k{number}", 0.001)
            flights.end(f"k{number}")

    def write() -> None:
        for number in range(100):
            save(cache, f"k{number}")
            cache.bury(f"b{number}", ttl_seconds=0.001)

    def check() -> None:
        insist(all(flights.begin(f"k{number}") for number in range(100)))
        insist(all(save(cache, f"n{number}") is SaveOutcome.SAVED for number in range(200)))
        insist(sum(cache.load(f"n{number}") is not None for number in range(200)) == 50)

    with repeated_elsewhere(fly, fly, write, write):
        for _ in range(20):
            forked(check)


def test_forks_while_threads_work() -> None:
    """No child finds anything locked or half changed, however busy the threads of its parent are."""
    run_trial(try_hammer)


def try_parent_goes_on() -> None:
    """Use everything in the parent after a fork, and after a fork of the child's."""
    flights, cache = Flights(), MemoryCache(10)
    forked(lambda: forked(lambda: insist(flights.begin("k"))))
    insist(flights.begin("k"), save(cache, "k") is SaveOutcome.SAVED)


def test_parent_and_grandchild() -> None:
    """The parent goes on as before, and a child may fork in turn."""
    run_trial(try_parent_goes_on)


def try_forks_at_once() -> None:
    """Fork in several threads at once."""
    forks.PATIENCE_SECONDS = 60
    sys.setswitchinterval(1e-5)  # They get in each other's way as often as can be.
    things = [Flights() for _ in range(100)]
    for flights in things:
        flights.claim("used up", 60)

    def check() -> None:
        insist(all(flights.begin("k") and not flights.claim("used up", 60) for flights in things))

    together = threading.Barrier(3)

    def fork_some() -> None:
        for _ in range(10):
            together.wait(20)
            forked(check)

    threads = [threading.Thread(target=fork_some, daemon=True) for _ in range(together.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    insist(not any(thread.is_alive() for thread in threads), all(flights.begin("k") for flights in things))


def test_several_threads_fork_at_once() -> None:
    """They take turns: none waits for ever, and no child has to forget anything."""
    run_trial(try_forks_at_once)


def try_fork_under_own_lock() -> None:
    """Fork in a signal handler, in the middle of a change of the thread's own."""
    forks.PATIENCE_SECONDS = 0.1
    cache, flights = MemoryCache(10), Flights()
    save(cache, "k")
    flights.begin("k")
    signal.signal(signal.SIGUSR1, lambda *_: forked(lambda: insist(cache.load("k") is None, flights.begin("k"))))
    with cache.lock:
        signal.raise_signal(signal.SIGUSR1)
    insist(cache.load("k") is not None, not flights.begin("k"))


def test_fork_in_the_middle_of_a_change() -> None:
    """Where a lock can't be had the fork goes on all the same; the child forgets what may be half changed."""
    run_trial(try_fork_under_own_lock)


# -------------------------------------------------------------------------------------------- what is remembered


def try_what_is_kept() -> None:
    """Fork with something in each memory."""
    flights, cache = Flights(), MemoryCache(10)
    cache.save("k", b"v", version=1, ttl_seconds=60, create=True)
    cache.bury("b", ttl_seconds=60)
    cache.take_lease("l", ttl_seconds=60)
    flights.begin("f")
    flights.claim("c", 60)

    def check() -> None:
        insist(cache.load("k") == Stored(b"v", 1), cache.load("b") == Stored(None, 0), not flights.claim("c", 60))
        insist(cache.take_lease("l", ttl_seconds=60) is not None)
        insist(not flights.wait("f", lambda: None), flights.begin("f"))

    forked(check)


def test_what_is_kept() -> None:
    """Entries, tombstones and claims are known in the child; flights and leases of the parent's threads are not."""
    run_trial(try_what_is_kept)


def try_flight_under_way() -> None:
    """Fork while threads of the parent hold leases, in a thread and in an event loop."""
    cache, go_on = ToyCache(), threading.Event()
    blocking, awaiting = blocking_driver(cache), awaiting_driver(cache)
    begun = [threading.Event(), threading.Event()]

    def holding(number: int) -> Flow[None]:
        yield from TakeLease(f"k{number}", 60)
        begun[number].set()
        go_on.wait(20)
        yield from LoadRecord("x")

    threads = [
        threading.Thread(target=blocking.run, args=(holding(0),), daemon=True),
        threading.Thread(target=anyio.run, args=(awaiting.run, holding(1)), daemon=True),
    ]
    for thread, started in zip(threads, begun, strict=True):
        thread.start()
        started.wait(10)
    forked(lambda: insist(blocking.run(perform(TakeLease("k0", 60))) is not None))
    forked(lambda: insist(anyio.run(awaiting.run, perform(TakeLease("k1", 60)), backend="asyncio") is not None))
    forked(lambda: insist(anyio.run(awaiting.run, perform(TakeLease("k1", 60)), backend="trio") is not None))
    go_on.set()
    for thread in threads:
        thread.join(10)


def test_flight_under_way() -> None:
    """A refresh that a thread of the parent was at keeps nobody in the child waiting."""
    run_trial(try_flight_under_way)


def try_callbacks_used_once() -> None:
    """Use up a state, then fork."""
    driver = blocking_driver(ToyCache())
    insist(driver.run(perform(Claim("state", 60))))
    forked(lambda: insist(not driver.run(perform(Claim("state", 60)))))


def test_claim_holds_in_a_child() -> None:
    """What was claimed before the fork can't be claimed again after it."""
    run_trial(try_callbacks_used_once)


def test_every_memory_is_kept() -> None:
    """Each memory cache and each driver's flights are taken through forks from the start."""
    cache, blocking, awaiting = ToyCache(), blocking_driver(ToyCache()), awaiting_driver(ToyCache())
    kept = set(forks.FORKS._things)
    assert {cache.memory, blocking, blocking._flights, awaiting._flights} <= kept
