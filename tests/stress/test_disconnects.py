"""Clients go away in the middle of the wait for a refresh: it comes to its end all the same, once."""

from __future__ import annotations

import socket
import time
from collections import Counter
from contextlib import ExitStack
from typing import Literal

import pytest

from tests.stress.people import Person
from tests.stress.scenes import come_back, expired_crowd, served
from tests.stress.witness import check_invariants
from tests.stress.workers import Workers, wait_for

Kind = Literal["gunicorn", "uvicorn"]

KINDS: tuple[Kind, ...] = ("gunicorn", "uvicorn")
PEOPLE = 4
REQUESTS_EACH = 8


def send_request(workers: Workers, person: Person, connections: ExitStack) -> socket.socket:
    """Send one request and wait for nothing."""
    cookie = person.cookie_header(workers.url)
    connection = connections.enter_context(socket.create_connection(("127.0.0.1", workers.port), timeout=15))
    head = f"GET /gone HTTP/1.1\r\nHost: localhost:{workers.port}\r\nAccept: */*\r\nCookie: {cookie}\r\n\r\n"
    connection.sendall(head.encode("ascii"))
    return connection


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", KINDS)
def test_clients_that_go_away_lose_no_refresh(kind: Kind) -> None:
    """All clients of all sessions hang up while FotoWeb is thinking: one refresh each, and its result is there.

    Shows R-TE16.
    """
    with (
        Workers(kind, 3) as workers,
        served(workers, refresh_leeway=0, http_timeout=60) as fotoweb,
        expired_crowd(PEOPLE, workers.url, fotoweb) as people,
    ):
        fotoweb.close_gate()
        with ExitStack() as connections:
            for person in people * REQUESTS_EACH:
                send_request(workers, person, connections)
            wait_for(lambda: fotoweb.arrived >= PEOPLE, "one refresh for each session", 15)
            time.sleep(0.3)  # The others wait by now, in the same workers and elsewhere; no event tells.
        time.sleep(0.3)  # The workers may notice that nobody is there any more.
        fotoweb.open_gate()
        answers = [come_back(person, f"{workers.url}/back") for person in people]

        assert [answer.status for answer in answers] == [200] * PEOPLE
        assert Counter(post.token for post in fotoweb.posts) == Counter({post.token for post in fotoweb.posts})
        assert len(fotoweb.posts) == PEOPLE
        check_invariants(fotoweb, people)
