"""Two server groups, as if on two machines, that share nothing but a Redis."""

from __future__ import annotations

import pytest

from tests.providers.oidc_provider import StartRig
from tests.providers.redis_server import RedisServer
from tests.stress.bursts import check_bursts
from tests.stress.workers import Workers

pytestmark = [pytest.mark.rig, pytest.mark.redis]


def test_two_groups_share_one_redis(oidc_rig: StartRig, redis_server: RedisServer) -> None:
    """Requests go to a gunicorn and to a uvicorn in turn: 20 of 20 bursts end with one refresh and a living session."""
    with Workers("gunicorn", 2) as one, Workers("uvicorn", 2) as other:
        assert one.folder != other.folder
        check_bursts([one, other], oidc_rig, cache=redis_server.url)
