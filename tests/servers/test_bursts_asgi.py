"""Parallel requests on an expired token: one refresh in one process, under a real ASGI server."""

from __future__ import annotations

import pytest

from tests.providers.oidc_provider import StartRig
from tests.servers.bursts import check_bursts
from tests.servers.serving import UVICORN_HTTPTOOLS
from tests.servers.visitor import Visitor


@pytest.mark.rig
def test_eight_at_once_make_one_refresh(oidc_rig: StartRig, visitor: Visitor) -> None:
    """Eight times 200, one refresh, and the session lives on, although each refresh token works only once."""
    check_bursts(UVICORN_HTTPTOOLS, oidc_rig, visitor)
