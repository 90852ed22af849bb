"""40 users at two requests a second, tokens of 30 seconds, and a Redis that stops for ten seconds and goes on."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.behaviour.kit import CALLBACK, Opening, opened_portal
from tests.providers.redis_server import RedisServer, frozen
from tests.stress.test_redis_away_for_five_seconds import RealClock, User

pytestmark = pytest.mark.redis

PEOPLE = 40
TOKEN_SECONDS = 30
CALM_SECONDS, STOPPED_SECONDS, AFTER_SECONDS = 8.0, 10.0, 40.0
"""The tokens are stale after 15 s, while Redis is stopped, and expire after it is back."""
RECOVERED_SECONDS = 10.0
MOST_SECONDS = 3.0


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
def test_it_is_over_ten_seconds_after_its_return(adapter: str, processes: int, redis_server: RedisServer) -> None:
    """From then on each answer is a 200 within three seconds, and nobody was signed out."""
    clock, over = RealClock(), threading.Event()
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock)
    fake.switch(access_token_lifetime_seconds=TOKEN_SECONDS, refresh_reuse_revokes=True)
    with opened_portal("asyncio") as portal, contextlib.ExitStack() as stack:
        opening = Opening(adapter, portal, "sealed", address=redis_server.url, fake=fake, clock=clock)  # type: ignore[arg-type]
        machines = [opening.open() for _ in range(processes)]
        for machine in machines:
            stack.callback(machine.close)
        given = {"token_seconds": TOKEN_SECONDS, "thinking_seconds": 0.5}
        users = [User(machines, ("alice", "bob")[number % 2], over, **given) for number in range(PEOPLE)]
        for user in users:
            user.start()
        time.sleep(CALM_SECONDS)
        with frozen(redis_server):
            time.sleep(STOPPED_SECONDS)
        back_at = time.time()
        time.sleep(AFTER_SECONDS)
        over.set()
        for user in users:
            user.join()

    late = [
        (round(sent_at - back_at, 1), round(seconds, 1), status)
        for user in users
        for sent_at, seconds, status in user.answers
        if sent_at >= back_at + RECOVERED_SECONDS and (status != 200 or seconds > MOST_SECONDS)
    ]
    assert late == []
    assert sum(user.signed_out for user in users) == 0
