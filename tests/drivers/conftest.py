"""Each behaviour of the drivers is tested with threads, on asyncio and on trio."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.drivers.kit import Engine, Handler, refuse_all


@pytest.fixture(params=["threads", "asyncio", "trio"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name what flows run on."""
    name: str = request.param
    return name


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Name the event loop of a test that awaits."""
    name: str = request.param
    return name


@pytest.fixture
def engine(engine_name: str) -> Engine:
    """Return a driver that must not call FotoWeb."""
    return Engine(engine_name)


@pytest.fixture
def collected() -> Iterator[None]:
    """Collect garbage after the test, so that what it warns of does not fall on another one."""
    yield
    gc.collect()


class OpenEngine:
    """Opens drivers that may call FotoWeb."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, handler: Handler | None = refuse_all, **changes: Any) -> Engine:
        """Return a driver; ``handler`` None is the real network."""
        return Engine(self.name, handler=handler, changes=changes)


@pytest.fixture
def open_engine(engine_name: str) -> OpenEngine:
    """Return a function that opens a driver."""
    return OpenEngine(engine_name)
