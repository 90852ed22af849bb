"""50 users on two machines in turn, tokens of six seconds, and a Redis in trouble: nobody is signed out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.behaviour.kit import CALLBACK, Opening, Visited, opened_portal
from tests.providers.redis_server import RedisServer, frozen, killed
from tests.stress.test_outage_redis import emptied, read_only

pytestmark = pytest.mark.redis

PEOPLE = 50
TOKEN_SECONDS = 6
CALM_SECONDS, TROUBLE_SECONDS, AFTER_SECONDS = 4.0, 5.0, 14.0
THINKING_SECONDS = 0.3
MOST_SIGNED_OUT = 2


class RealClock:
    """The real time, where a test could turn it."""

    def __call__(self) -> float:
        """Return epoch seconds."""
        return time.time()


class User(threading.Thread):
    """Somebody who goes to both machines in turn.

    Attributes:
        signed_out: How often they were signed out.
        signed_out_early: How often while their token was still valid.
    """

    def __init__(self, machines: tuple[Visited, Visited], name: str, over: threading.Event) -> None:
        super().__init__()
        self.signed_out = self.signed_out_early = 0
        self._browsers = [machine.visitor(name) for machine in machines]
        self._browsers[1].jar = self._browsers[0].jar
        self._over = over

    def run(self) -> None:
        """Click until it is over."""
        self._browsers[0].log_in()
        expires_at, number = time.time() + TOKEN_SECONDS, 0
        while not self._over.wait(THINKING_SECONDS):
            number += 1
            reply = self._browsers[number % 2].get("/")
            assert reply.status in {200, 401, 503}, reply.status
            if reply.status == 200:
                expires_at = reply.seen["expires_at"]
            if reply.status == 401:
                self.signed_out += 1
                self.signed_out_early += time.time() < expires_at
                self._browsers[number % 2].log_in()
                expires_at = time.time() + TOKEN_SECONDS


@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    "fault", [emptied, read_only, killed, frozen], ids=["restarted", "failed over", "killed", "hung"]
)
def test_nobody_is_signed_out(
    adapter: str, fault: Callable[[RedisServer], AbstractContextManager[None]], redis_server: RedisServer
) -> None:
    """Nobody while their token is valid, and at most two of fifty in all."""
    clock, over = RealClock(), threading.Event()
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock)
    fake.switch(access_token_lifetime_seconds=TOKEN_SECONDS, refresh_reuse_revokes=True)
    with opened_portal("asyncio") as portal, contextlib.ExitStack() as stack:
        opening = Opening(adapter, portal, "sealed", address=redis_server.url, fake=fake, clock=clock)  # type: ignore[arg-type]
        machines = (opening.open(), opening.open())
        for machine in machines:
            stack.callback(machine.close)
        users = [User(machines, ("alice", "bob")[number % 2], over) for number in range(PEOPLE)]
        for user in users:
            user.start()
        time.sleep(CALM_SECONDS)
        with fault(redis_server):
            time.sleep(TROUBLE_SECONDS)
        time.sleep(AFTER_SECONDS)
        over.set()
        for user in users:
            user.join()

    assert sum(user.signed_out_early for user in users) == 0
    assert sum(bool(user.signed_out) for user in users) <= MOST_SIGNED_OUT
