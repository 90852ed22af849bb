"""The contract suite finds every wrong cache, and nothing wrong with a right one."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Cache, Lease, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.cache_contract import CacheContract, CacheTrial, OutageContract, SharedCacheContract
from tests.testing import wrong_caches, wrong_leases, wrong_tombstones
from tests.testing.plain_cache import PlainCache, Row

MODULES = (wrong_caches, wrong_leases, wrong_tombstones)
WRONG = wrong_caches.WRONG
"""Filled by the import of each module."""


def failed(contract: type[object], fixtures: Callable[[], dict[str, Any]]) -> set[str]:
    """Run every test of a contract, each with fixtures of its own, and return the names of those that fail."""
    names = set()
    for name, test in inspect.getmembers(contract, inspect.isfunction):
        if name.startswith("test_"):
            made = fixtures()
            asked = {argument: made[argument] for argument in inspect.signature(test).parameters if argument in made}
            try:
                test(contract(), **asked)
            except Exception:  # noqa: BLE001 (whatever it is, pytest would call it a failure)
                names.add(name)
    return names


def on_trial(cache: type[PlainCache]) -> dict[str, Any]:
    """Return what a cache's trial needs."""
    clock = FakeClock()
    return {"trial": CacheTrial(cache(clock), clock.advance)}


def test_wrong_caches_of_every_kind() -> None:
    """The wrong caches of each module are on trial."""
    assert {cache.__module__ for cache in WRONG} == {module.__name__ for module in MODULES}


def test_a_right_cache_passes() -> None:
    """Nothing is wrong with the cache that all the wrong ones are made from."""
    assert failed(CacheContract, lambda: on_trial(PlainCache)) == set()


@pytest.mark.parametrize("cache", WRONG, ids=lambda cache: cache.__name__)
def test_a_wrong_cache_is_found(cache: type[PlainCache]) -> None:
    """Every wrong cache fails in the test of the promise that it breaks."""
    assert WRONG[cache] in failed(CacheContract, lambda: on_trial(cache))


def test_every_promise_can_fail() -> None:
    """Every test of the contract is failed by some wrong cache: none of them says yes to everything."""
    names = {name for name, _ in inspect.getmembers(CacheContract, inspect.isfunction) if name.startswith("test_")}
    for cache in WRONG:
        names -= failed(CacheContract, lambda cache=cache: on_trial(cache))  # type: ignore[misc]

    assert names == set()


# -------------------------------------------------------------------------------------------- several processes


class Shared(PlainCache):
    """Two of them over the same rows are the same cache in two processes."""

    shared = True

    def over(self, other: PlainCache) -> None:
        """Use the rows of another process."""
        self.lock, self.rows, self.out = other.lock, other.rows, other.out
        self.owners, self.fences = other.owners, other.fences


class SaysThatItIsAlone(Shared):
    """Says that nobody else sees its rows."""

    shared = False


class KeepsItsOwnRows(Shared):
    """Each process has rows of its own."""

    def over(self, other: PlainCache) -> None:
        """Use nothing of another process."""
        self.fences = other.fences


class KeepsItsOwnLeases(Shared):
    """Each process has leases of its own."""

    def over(self, other: PlainCache) -> None:
        """Use the rows alone."""
        self.rows = other.rows


class KeepsCopies(Shared):
    """What a process has read it reads from memory."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.copies: dict[str, Stored] = {}

    def load(self, key: str) -> Stored | None:
        """Read, and keep it."""
        if key not in self.copies and (stored := super().load(key)) is not None:
            self.copies[key] = stored
        return self.copies.get(key)


class ClosesForAll(Shared):
    """Whoever closes it takes the rows along."""

    def close(self) -> None:
        """Delete everything."""
        self.rows.clear()


def in_two_processes(cache: type[Shared]) -> dict[str, Any]:
    """Return what the trial of a shared cache needs."""
    clock = FakeClock()
    here, elsewhere = cache(clock), cache(clock)
    elsewhere.over(here)
    return {"trial": CacheTrial(here, clock.advance), "elsewhere": elsewhere}


def test_a_right_shared_cache_passes() -> None:
    """Nothing is wrong with a cache that both processes see."""
    assert failed(SharedCacheContract, lambda: in_two_processes(Shared)) == set()


@pytest.mark.parametrize(
    ("cache", "test"),
    [
        (SaysThatItIsAlone, "test_says_that_it_is_shared"),
        (KeepsItsOwnRows, "test_saved_here_read_elsewhere"),
        (KeepsItsOwnRows, "test_older_version_refused_elsewhere"),
        (KeepsItsOwnRows, "test_buried_here_refused_elsewhere"),
        (KeepsItsOwnRows, "test_late_writer_elsewhere"),
        (KeepsItsOwnLeases, "test_lease_here_refused_elsewhere"),
        (KeepsItsOwnLeases, "test_lease_passes_on"),
        (KeepsItsOwnLeases, "test_one_lease_over_processes"),
        (KeepsCopies, "test_buried_here_read_elsewhere"),
        (ClosesForAll, "test_closed_elsewhere"),
    ],
)
def test_a_wrong_shared_cache_is_found(cache: type[Shared], test: str) -> None:
    """A cache that is not the same in both processes fails in the test of the promise that it breaks."""
    assert test in failed(SharedCacheContract, lambda: in_two_processes(cache))


# ----------------------------------------------------------------------------------------------------- outages


class Down(PlainCache):
    """Says that its storage is out of reach."""

    failure: Exception | None = CacheUnavailable("down, as the test wants it")

    def row(self, key: str) -> Row | None:
        """Fail, or say that nothing is there."""
        if self.failure is not None:
            raise self.failure
        return None

    def bury(self, key: str, *, ttl_seconds: float) -> None:
        """Fail."""
        self.row(key)

    def take_lease(self, key: str, *, ttl_seconds: float) -> Lease | None:
        """Fail."""
        self.row(key)
        return None

    def free_lease(self, lease: Lease) -> None:
        """Fail."""
        self.row(lease.key)


class SaysThatNothingIsThere(Down):
    """Takes an outage for an empty storage."""

    failure = None

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None = None
    ) -> SaveOutcome:
        """Say what seems to be so."""
        return SaveOutcome.SAVED if create else SaveOutcome.MISSING


class RaisesItsDriversError(Down):
    """Lets the error of its driver through."""

    failure = ConnectionRefusedError("nobody answers")


class ClosesWithAnError(Down):
    """Can't be closed while its storage is out of reach."""

    def close(self) -> None:
        """Fail."""
        self.row("")


FOR_EVER = threading.Event()


class NeverComesBack(Down):
    """Waits for ever."""

    def row(self, key: str) -> Row | None:
        """Wait, for this test's ever."""
        FOR_EVER.wait(20)
        return None


CALLS = {"test_load_fails", "test_save_fails", "test_update_fails", "test_bury_fails"} | {
    "test_take_lease_fails",
    "test_free_lease_fails",
}


class Impatient(OutageContract):
    """Waits no longer than this test has time."""

    patience_seconds = 0.3


def out_of_reach(cache: type[PlainCache]) -> dict[str, Cache]:
    """Return what the trial of an outage needs."""
    return {"out_of_reach": cache(FakeClock())}


@pytest.mark.parametrize(
    ("cache", "tests"),
    [
        (Down, set()),
        (SaysThatNothingIsThere, CALLS),
        (RaisesItsDriversError, CALLS),
        (ClosesWithAnError, {"test_close_does_not_fail"}),
    ],
)
def test_what_an_outage_must_look_like(cache: type[PlainCache], tests: set[str]) -> None:
    """CacheUnavailable and nothing else, from every call; and closing works always."""
    assert failed(OutageContract, lambda: out_of_reach(cache)) == tests


def test_an_outage_that_hangs_is_found() -> None:
    """A call that does not come back in time fails its test, and the suite goes on."""
    try:
        assert failed(Impatient, lambda: out_of_reach(NeverComesBack)) == CALLS
    finally:
        FOR_EVER.set()
