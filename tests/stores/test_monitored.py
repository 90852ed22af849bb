"""What the log is told of a store in trouble, and what comes of a store that raises what it ought not to."""

from __future__ import annotations

import pytest

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.stores.base import StoredEntry
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
