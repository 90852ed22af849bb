"""The finder and starter of a real Redis."""

from __future__ import annotations

import pytest

from tests.providers.redis_server import RedisServer

pytestmark = pytest.mark.redis


def test_it_answers_ping(redis_server: RedisServer) -> None:
    """A started server takes connections on the address it tells."""
    assert redis_server.ping() == b"+PONG\r\n"


def test_it_comes_back_on_the_same_port(redis_server: RedisServer) -> None:
    """A cache that was down for a while is found again under its URL."""
    address = redis_server.url

    redis_server.stop()
    with pytest.raises(ConnectionRefusedError):
        redis_server.ping()
    redis_server.start()

    assert (redis_server.url, redis_server.ping()) == (address, b"+PONG\r\n")
