"""Fixtures for tests of the simulator's API: a web application and somebody who is signed in to it."""

from __future__ import annotations

import pytest

from fotoweb_middleware.testing import FakeClock
from tests.testing.fake_fotoweb_app import App, web


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def app(clock: FakeClock) -> App:
    """Give a web application."""
    return web(clock=clock)


@pytest.fixture
def token(app: App) -> str:
    """Give Alice's access token."""
    return str(app.log_in()["access_token"])
