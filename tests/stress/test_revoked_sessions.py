"""``fotoweb-middleware sessions`` from a process of its own, while apps on two machines serve with several workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.providers.redis_server import RedisServer
from tests.servers.serving import clean_environment
from tests.servers.sites import environment, turned_clock
from tests.servers.turned_clock import CLOCK
from tests.servers.visitor import Visitor
from tests.stress.workers import Workers

RECHECK_SECONDS = 1


def statuses(visitor: Visitor, *machines: Workers) -> list[int]:
    """Ask each worker of each machine, and return the status of its answer."""
    found = []
    for machine in machines:
        for pid in machine.ready_pids():
            with machine.only(pid):
                found.append(visitor.fetch(machine.url).status_code)
    return found


def sessions(variables: dict[str, str], *arguments: str) -> str:
    """Run the command, and return what it printed."""
    command = [str(Path(sys.executable).with_name("fotoweb-middleware")), "sessions", *arguments]
    ended = subprocess.run(
        command, env=clean_environment(variables), capture_output=True, text=True, check=False, timeout=50
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.redis
def test_all_workers_of_two_machines(redis_server: RedisServer) -> None:
    """A revoked session ends on every worker of both machines within the recheck time, and so does its WebSocket."""
    with (
        Workers("uvicorn", 2) as here,
        Workers("gunicorn", 2) as there,
        turned_clock() as clock,
        Visitor(keeps_connections=False) as visitor,
    ):
        fake = FakeFotoWeb(clients=[Client(redirect_uris=(here.callback_url,))], clock=clock.wall)
        with fake.serve() as fotoweb:
            more = {"cache": redis_server.url, "cache_recheck": str(RECHECK_SECONDS)}
            given = environment(fotoweb, fake.client.client_id, fake.client.client_secret, more)
            for machine in (here, there):
                machine.start({**given, CLOCK: str(clock.path)})
            visitor.visit(here.url)
            before = statuses(visitor, here, there)
            headers, url = {"Cookie": visitor.cookie_header(here.url)}, here.url.replace("http:", "ws:")
            with connect(f"{url}/ws", origin=Origin(here.url), additional_headers=headers, proxy=None) as socket:
                socket.recv()
                session_id = sessions(given, "list").splitlines()[1].split()[0]
                sessions(given, "revoke", session_id)
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(timeout=20)
            clock.advance(RECHECK_SECONDS)
            after = statuses(visitor, here, there)

    assert (before, after) == ([200] * 4, [401] * 4)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
