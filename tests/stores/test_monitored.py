"""What the log is told of a store in trouble, and what comes of a store that raises what it ought not to."""

from __future__ import annotations

import pytest

from fotoweb_middleware.errors import LockUnanswered, StoreUnavailable
from fotoweb_middleware.stores.base import StoredEntry, StoreLock
from fotoweb_middleware.stores.memory import MemoryStore
from fotoweb_middleware.stores.monitored import MonitoredStore
from fotoweb_middleware.testing import FakeClock
from tests.stores.sqlite_kit import fails, save


class Broken(MemoryStore):
    """Raises at the methods that are said to fail."""

    def __init__(self) -> None:
        super().__init__(10)
        self.errors: dict[str, Exception] = {}

    def load(self, key: str) -> StoredEntry | None:
        """Fail or load."""
        if "load" in self.errors:
            raise self.errors["load"]
        return super().load(key)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """Acquire, and perhaps keep silent about it."""
        lock = super().acquire_lock(key, ttl_seconds=ttl_seconds)
        if "acquire_lock" in self.errors and lock is not None:
            raise LockUnanswered("no answer in time", key=key, owner=lock.owner)
        return lock

    def release_lock(self, lock: StoreLock) -> None:
        """Fail or release."""
        if "release_lock" in self.errors:
            raise self.errors["release_lock"]
        super().release_lock(lock)

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """Fail or use."""
        if "use_once" in self.errors:
            raise self.errors["use_once"]
        return super().use_once(key, ttl_seconds=ttl_seconds)


@pytest.fixture
def broken() -> Broken:
    """Return a store whose calls can be made to fail."""
    return Broken()


@pytest.fixture
def store(broken: Broken, clock: FakeClock) -> MonitoredStore:
    """Return the same, watched."""
    return MonitoredStore(broken, clock)


def test_one_line_and_one_line(
    broken: Broken, store: MonitoredStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """However many calls fail, there is a line when it begins, and one once something works that had failed."""
    broken.errors["load"] = broken.errors["use_once"] = StoreUnavailable("the place: it is full.")
    for _ in range(3):
        fails(lambda: store.load("k"))
        fails(lambda: store.use_once("k", ttl_seconds=1))
        save(store)
        clock.advance(2)
    told = list(caplog.messages)
    broken.errors.clear()
    store.load("k")
    store.use_once("k", ttl_seconds=1)

    assert ["is failing: load: the place: it is full. Until" in line for line in told] == [True]
    assert caplog.messages[1:] == ["The session store works again after 6.0 s."]


def test_unexpected_error(broken: Broken, store: MonitoredStore, caplog: pytest.LogCaptureFixture) -> None:
    """What a store must not raise counts as out of reach, and its author finds the traceback in the log."""
    broken.errors["load"] = KeyError("row")
    assert "it raised KeyError" in fails(lambda: store.load("k"))
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("error", [StoreUnavailable(""), KeyError("row")])
def test_failed_within(error: Exception, broken: Broken, store: MonitoredStore, clock: FakeClock) -> None:
    """It is known for how long ago a call failed."""
    clock.advance(100)
    before = store.failed_within(10)
    broken.errors["load"] = error
    fails(lambda: store.load("k"))
    clock.advance(9)
    soon = store.failed_within(10)
    clock.advance(2)
    assert (before, soon, store.failed_within(10)) == (False, True, False)


def test_lock_granted_to_nobody(broken: Broken, store: MonitoredStore) -> None:
    """A lock whose asker got no answer is released once something works again that had failed."""
    broken.errors["load"] = broken.errors["acquire_lock"] = StoreUnavailable("")
    fails(lambda: store.acquire_lock("k", ttl_seconds=60))
    fails(lambda: store.load("k"))
    broken.errors.clear()
    store.load("k")

    assert store.acquire_lock("k", ttl_seconds=60) is not None


def test_lock_granted_to_nobody_and_not_released(broken: Broken, store: MonitoredStore) -> None:
    """Where it can't be released yet, that is tried again, and the call that noticed fails by nothing."""
    broken.errors["load"] = broken.errors["acquire_lock"] = broken.errors["release_lock"] = StoreUnavailable("")
    fails(lambda: store.acquire_lock("k", ttl_seconds=60))
    fails(lambda: store.load("k"))
    del broken.errors["load"], broken.errors["acquire_lock"]
    store.load("k")
    broken.errors.clear()
    store.release_lock(StoreLock("k2", "somebody", 1))

    assert store.acquire_lock("k", ttl_seconds=60) is not None
