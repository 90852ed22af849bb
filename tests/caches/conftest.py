"""What the tests of caches begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from fotoweb_middleware.testing import FakeClock
from tests.caches.orphans_kit import Threads
from tests.caches.slow_cache import Run, SlowCache


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file will lie."""
    return tmp_path / "cache.sqlite"


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still until a test turns it."""
    return FakeClock()


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return what runs a coroutine function in a new event loop."""
    return lambda work: anyio.run(work, backend=request.param)


@pytest.fixture
def slow() -> Iterator[SlowCache]:
    """Return a cache that waits; it waits no longer than the test."""
    cache = SlowCache()
    yield cache
    cache.go_on.set()


@pytest.fixture
def threads() -> Iterator[Threads]:
    """Return the threads with which a test has leases of nobody given up, and end with them."""
    begun = Threads()
    yield begun
    begun.wait_until_none()
