"""Two server groups, as if on two machines, that share nothing but a Redis."""

from __future__ import annotations

import pytest

from tests.faults.bursts import check_bursts
from tests.faults.workers import Workers
from tests.providers.oidc_provider import StartRig
from tests.providers.redis_server import RedisServer

pytestmark = [pytest.mark.rig, pytest.mark.redis]


def test_two_groups_share_one_redis(oidc_rig: StartRig, redis_server: RedisServer) -> None:
    """Requests go to a gunicorn and to a uvicorn in turn: 20 of 20 bursts end with one refresh and a living session."""
    app = "tests.faults.patient_app"
    with Workers("gunicorn", 2, target=f"{app}:wsgi") as one, Workers("uvicorn", 2, target=f"{app}:asgi") as other:
        assert one.folder != other.folder
        check_bursts([one, other], oidc_rig, cache=redis_server.url)
