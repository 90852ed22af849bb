"""What goes wrong at the token endpoint during a soak, at random: as toxiproxy's toxics do it to a connection."""

from __future__ import annotations

import json
import random
import socket
import time
from collections import Counter

from tests.attacks.answers import Answer, Grant, broken_off, closed, good, refusal, reply, reset, silent, written

__all__ = ["TOKEN_SECONDS", "Toxics"]

TOKEN_SECONDS = 2
HEALTHY = 0.8
"""How many of ten requests nothing happens to: with fewer, sessions wait for FotoWeb's back-off most of the time."""


def latency(connection: socket.socket, grant: Grant) -> None:
    """Give tokens after a while."""
    time.sleep(random.uniform(0.05, 1))
    good(expires_in=TOKEN_SECONDS)(connection, grant)


def slicer(connection: socket.socket, grant: Grant) -> None:
    """Give tokens in pieces of a few bytes."""
    whole = written(200, json.dumps(grant.document({"expires_in": TOKEN_SECONDS})).encode())
    for start in range(0, len(whole), 16):
        connection.sendall(whole[start : start + 16])
        time.sleep(0.005)
    grant.was_rotated = True


def limit_data(connection: socket.socket, grant: Grant) -> None:
    """Break off in the middle of the tokens; FotoWeb then never gave them."""
    whole = written(200, json.dumps(grant.document({"expires_in": TOKEN_SECONDS})).encode())
    broken_off(whole[: random.randrange(len(whole) - 1)])(connection, grant)


def slow_close(connection: socket.socket, grant: Grant) -> None:
    """Give tokens and leave the connection open."""
    good(expires_in=TOKEN_SECONDS)(connection, grant)
    time.sleep(1)


class Toxics:
    """Answers token requests well most of the time, and notes how often it did what else.

    Attributes:
        counts: How often each was done.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._answers: dict[str, Answer] = {
            "latency": latency,
            "slicer": slicer,
            "limit_data": limit_data,
            "slow_close": slow_close,
            "reset_peer": reset,
            "closed": closed,
            "silent": silent,
            "503": reply(503, Retry_After="1"),
            "429": reply(429, Retry_After="1"),
            "page": reply(200, "<title>Sorry</title>", "text/html"),
            "invalid_client": refusal(401, "invalid_client"),
        }

    def __call__(self, connection: socket.socket, grant: Grant) -> None:
        """Answer one token request."""
        name = "good" if random.random() < HEALTHY else random.choice(list(self._answers))
        self.counts[name] += 1
        self._answers.get(name, good(expires_in=TOKEN_SECONDS))(connection, grant)
