"""Four gunicorn workers with the required variables alone: one refresh per expiry, whoever gets the requests."""

from __future__ import annotations

import pytest

from tests.providers.oidc_provider import StartRig
from tests.stress.bursts import check_bursts
from tests.stress.workers import Workers

pytestmark = pytest.mark.rig


def test_four_gunicorn_workers(oidc_rig: StartRig) -> None:
    """20 of 20 bursts end with twelve answers, one refresh and a session that lives on (R-TE14)."""
    with Workers("gunicorn", 4) as workers:
        check_bursts([workers], oidc_rig)


def test_four_gunicorn_workers_that_were_forked_after_loading(oidc_rig: StartRig) -> None:
    """The same with ``--preload``, where all workers inherit one and the same middleware (T-CX-10)."""
    with Workers("gunicorn", 4, preload=True) as workers:
        check_bursts([workers], oidc_rig)
