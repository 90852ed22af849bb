"""Settings tests start from an environment without any FOTOWEB_* variable (see the conftest above)."""

from __future__ import annotations

import pytest

from tests.settings.samples import ENVIRONMENT


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the four required variables, and return what sets more."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
