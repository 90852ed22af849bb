"""The contract suite finds every wrong store, and nothing wrong with a right one."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.base import SaveOutcome, Store, StoredEntry, StoreLock
from fotoweb_middleware.testing import FakeClock
from fotoweb_middleware.testing.store_contract import OutageContract, SharedStoreContract, StoreContract, StoreTrial
from tests.testing import wrong_keys, wrong_locks, wrong_revocations, wrong_single_use, wrong_stores
from tests.testing.plain_store import PlainStore, Row

MODULES = (wrong_stores, wrong_keys, wrong_locks, wrong_revocations, wrong_single_use)
NEEDED_BY_OTHERS = ("playwright", "pytest", "redis", "rich", "trio", "typer")
WRONG = wrong_stores.WRONG
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


def on_trial(store: type[PlainStore]) -> dict[str, Any]:
    """Return what a store's trial needs."""
    clock = FakeClock()
    return {"trial": StoreTrial(store(clock), clock.advance)}


@pytest.fixture(scope="module")
def failed_by() -> dict[type[PlainStore], set[str]]:
    """Return for each wrong store the tests that it fails; with some a whole contract takes seconds."""
    return {store: failed(StoreContract, lambda store=store: on_trial(store)) for store in WRONG}  # type: ignore[misc]


def test_wrong_stores_of_every_kind() -> None:
    """The wrong stores of each module are on trial."""
    assert {store.__module__ for store in WRONG} == {module.__name__ for module in MODULES}


def test_a_right_store_passes() -> None:
    """Nothing is wrong with the store that all the wrong ones are made from."""
    assert failed(StoreContract, lambda: on_trial(PlainStore)) == set()


@pytest.mark.parametrize("store", WRONG, ids=lambda store: store.__name__)
def test_a_wrong_store_is_found(store: type[PlainStore], failed_by: dict[type[PlainStore], set[str]]) -> None:
    """Every wrong store fails in the test of the promise that it breaks."""
    assert WRONG[store] in failed_by[store]


def test_every_promise_can_fail(failed_by: dict[type[PlainStore], set[str]]) -> None:
    """Every test of the contract is failed by some wrong store: none of them says yes to everything."""
    names = {name for name, _ in inspect.getmembers(StoreContract, inspect.isfunction) if name.startswith("test_")}

    assert names == set().union(*failed_by.values())


# -------------------------------------------------------------------------------------------- several processes


class Shared(PlainStore):
    """Two of them over the same rows are the same store in two processes."""

    shared = True

    def over(self, other: PlainStore) -> None:
        """Use the rows of another process."""
        self.mutex, self.rows, self.out = other.mutex, other.rows, other.out
        self.owners, self.fences, self.used = other.owners, other.fences, other.used


class SaysThatItIsAlone(Shared):
    """Says that nobody else sees its rows."""

    shared = False


class KeepsItsOwnRows(Shared):
    """Each process has rows of its own."""

    def over(self, other: PlainStore) -> None:
        """Use nothing of another process."""
        self.fences = other.fences


class KeepsItsOwnLocks(Shared):
    """Each process has locks of its own."""

    def over(self, other: PlainStore) -> None:
        """Use the rows alone."""
        self.rows = other.rows


class KeepsCopies(Shared):
    """What a process has read it reads from memory."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.copies: dict[str, StoredEntry] = {}

    def load(self, key: str) -> StoredEntry | None:
        """Read, and keep it."""
        if key not in self.copies and (stored := super().load(key)) is not None:
            self.copies[key] = stored
        return self.copies.get(key)


class ClosesForAll(Shared):
    """Closing it takes the rows along."""

    def close(self) -> None:
        """Delete everything."""
        self.rows.clear()


def in_two_processes(store: type[Shared]) -> dict[str, Any]:
    """Return what the trial of a shared store needs."""
    clock = FakeClock()
    here, elsewhere = store(clock), store(clock)
    elsewhere.over(here)
    return {"trial": StoreTrial(here, clock.advance), "elsewhere": elsewhere}


def test_a_right_shared_store_passes() -> None:
    """Nothing is wrong with a store that both processes see."""
    assert failed(SharedStoreContract, lambda: in_two_processes(Shared)) == set()


@pytest.mark.parametrize(
    ("store", "test"),
    [
        (SaysThatItIsAlone, "test_says_that_it_is_shared"),
        (KeepsItsOwnRows, "test_saved_here_read_elsewhere"),
        (KeepsItsOwnRows, "test_older_version_refused_elsewhere"),
        (KeepsItsOwnRows, "test_revoked_here_refused_elsewhere"),
        (KeepsItsOwnRows, "test_late_writer_elsewhere"),
        (KeepsItsOwnLocks, "test_lock_here_refused_elsewhere"),
        (KeepsItsOwnLocks, "test_lock_passes_on"),
        (KeepsItsOwnLocks, "test_one_lock_over_processes"),
        (KeepsItsOwnLocks, "test_used_here_used_elsewhere"),
        (KeepsCopies, "test_revoked_here_read_elsewhere"),
        (KeepsItsOwnRows, "test_keys_of_elsewhere"),
        (ClosesForAll, "test_closed_elsewhere"),
    ],
)
def test_a_wrong_shared_store_is_found(store: type[Shared], test: str) -> None:
    """A store that is not the same in both processes fails in the test of the promise that it breaks."""
    assert test in failed(SharedStoreContract, lambda: in_two_processes(store))


# ----------------------------------------------------------------------------------------------------- outages


class Down(PlainStore):
    """Says that its storage is out of reach."""

    failure: Exception | None = StoreUnavailable("down, as the test wants it")

    def row(self, key: str) -> Row | None:
        """Fail, or say that nothing is there."""
        if self.failure is not None:
            raise self.failure
        return None

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """Fail."""
        self.row(key)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Fail."""
        self.row(key)
        return None

    def release_lock(self, lock: StoreLock) -> None:
        """Fail."""
        self.row(lock.key)

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """Fail."""
        self.row(key)
        return True

    def keys(self, prefix: str) -> set[str]:
        """Fail."""
        self.row(prefix)
        return set()


class SaysThatNothingIsThere(Down):
    """Takes an outage for an empty storage."""

    failure = None

    def save(
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
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


CALLS = {"test_load_fails", "test_save_fails", "test_update_fails", "test_revoke_fails"} | {
    "test_acquire_lock_fails",
    "test_release_lock_fails",
    "test_use_once_fails",
    "test_keys_fails",
}


class Impatient(OutageContract):
    """Waits no longer than this test has time."""

    patience_seconds = 0.3


def out_of_reach(store: type[PlainStore]) -> dict[str, Store]:
    """Return what the trial of an outage needs."""
    return {"out_of_reach": store(FakeClock())}


@pytest.mark.parametrize(
    ("store", "tests"),
    [
        (Down, set()),
        (SaysThatNothingIsThere, CALLS),
        (RaisesItsDriversError, CALLS),
        (ClosesWithAnError, {"test_close_does_not_fail"}),
    ],
)
def test_what_an_outage_must_look_like(store: type[PlainStore], tests: set[str]) -> None:
    """StoreUnavailable and nothing else, from every call; and closing works always."""
    assert failed(OutageContract, lambda: out_of_reach(store)) == tests


def test_an_outage_that_hangs_is_found() -> None:
    """A call that does not come back in time fails its test, and the suite continues."""
    try:
        assert failed(Impatient, lambda: out_of_reach(NeverComesBack)) >= CALLS  # On a busy machine closing, too.
    finally:
        FOR_EVER.set()


def test_needs_the_extra_testing_alone() -> None:
    """The suite can be imported without redis-py, without the command line's packages, and by no pytest at all."""
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in NEEDED_BY_OTHERS)
    code = f"import sys; {blocked}import fotoweb_middleware.testing.store_contract"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=50)

    assert (ended.returncode, ended.stderr) == (0, "")
