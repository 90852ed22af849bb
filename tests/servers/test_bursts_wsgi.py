"""Parallel requests on an expired token: one refresh in one process, under a real WSGI server."""

from __future__ import annotations

import pytest

from tests.providers.oidc_provider import StartRig
from tests.servers.bursts import check_bursts
from tests.servers.serving import GUNICORN_THREADS
from tests.servers.visitor import Visitor


@pytest.mark.rig
def test_eight_at_once_make_one_refresh(oidc_rig: StartRig, visitor: Visitor) -> None:
    """Eight times 200, one refresh, and the session lives on, although each refresh token works only once."""
    check_bursts(GUNICORN_THREADS, oidc_rig, visitor)
