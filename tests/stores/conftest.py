"""What the tests of stores begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from fotoweb_middleware.testing import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file will lie."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still until a test turns it."""
    return FakeClock()
