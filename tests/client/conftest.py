"""The rig, and both HTTP libraries."""

from __future__ import annotations

from types import ModuleType

import httpx
import httpx2
import pytest

from tests.client.signing_in import rig as rig  # noqa: PLC0414 (a fixture)


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """Return one of the HTTP libraries."""
    module: ModuleType = request.param
    return module
