"""Three uvicorn workers with the required variables alone: one refresh per expiry, whoever gets the requests."""

from __future__ import annotations

import pytest

from tests.providers.oidc_provider import StartRig
from tests.stress.bursts import check_bursts
from tests.stress.workers import Workers

pytestmark = pytest.mark.rig


def test_three_uvicorn_workers(oidc_rig: StartRig) -> None:
    """20 of 20 bursts end with twelve answers, one refresh and a session that lives on."""
    with Workers("uvicorn", 3) as workers:
        check_bursts([workers], oidc_rig)
