"""Parallel requests on an expired token: one refresh in one process, under a real WSGI server."""

from __future__ import annotations

import pytest

from tests.providers.oidc_provider import StartRig
from tests.servers.bursts import check_bursts, check_slow_burst
from tests.servers.serving import GUNICORN_THREADS


@pytest.mark.rig
@pytest.mark.timeout(150)
def test_eight_at_once_make_one_refresh_fifty_times(oidc_rig: StartRig) -> None:
    """Eight times 200, one refresh, and the session lives on, although each refresh token works only once."""
    check_bursts(GUNICORN_THREADS, oidc_rig)


def test_eight_at_once_wait_for_a_slow_fotoweb() -> None:
    """All of them wait for the one refresh."""
    check_slow_burst(GUNICORN_THREADS)
