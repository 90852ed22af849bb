"""What several tests of the stages ask for."""

from __future__ import annotations

import pytest

from tests.stages.known import Known
from tests.stages.turned import Clocks


@pytest.fixture(params=["sealed", "reference"])
def known(request: pytest.FixtureRequest) -> Known:
    """Return a known session in each cookie mode."""
    return Known(cookie_mode=request.param)


@pytest.fixture
def clocks() -> Clocks:
    """Return the clocks of the test."""
    return Clocks()
