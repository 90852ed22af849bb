"""A server that is told to stop while a refresh is under way: what FotoWeb answers is not lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.servers.serving import HYPERCORN, AppServer, Kind
from tests.servers.sites import environment
from tests.servers.stale import stale_site
from tests.servers.turned_clock import CLOCK
from tests.servers.visitor import Visitor

SLOW_SECONDS = 0.5
"""From when the server is told to stop to FotoWeb's answer."""
PATIENCE_SECONDS = 30.0
"""More than a machine may stand still meanwhile: a server that is killed writes nothing down."""

LAST = {"Connection": "close"}
"""No server shall wait for a connection that nobody uses any more."""
UVICORN = Kind("uvicorn", "asgi", ("-m", "uvicorn", "fotoweb_middleware.wrap:asgi", "--fd", "{fd}"))
GUNICORN = Kind(
    "gunicorn",
    "wsgi",
    (
        *("-m", "gunicorn", "fotoweb_middleware.wrap:wsgi", "--bind", "fd://{fd}"),
        "--threads",
        "4",
        "--no-control-socket",
    ),
)
PATIENT = (UVICORN, GUNICORN)
"""They wait for requests that are under way: unless told otherwise, uvicorn for ever, gunicorn for 30 seconds."""
IMPATIENT = (HYPERCORN,)
"""It is told to wait for a second; then it cancels what is left, and ends its event loop."""


@pytest.mark.parametrize("kind", [*PATIENT, *IMPATIENT], ids=str)
def test_refresh_after_the_answer_survives_the_stop(kind: Kind, visitor: Visitor, tmp_path: Path) -> None:
    """FotoWeb answers while the server stops; the next server has the new token, and FotoWeb was asked once.

    Shows R-TE16.
    """
    cache = f"sqlite:///{tmp_path}/sessions.db"
    with stale_site(kind, cache=cache) as stale:
        site = stale.site
        old, answer = stale.fetch_while_stale(visitor, "/stale", LAST)
        assert answer.json()["token"] == old
        stale.wait_for_refresh()
        threading.Timer(SLOW_SECONDS, stale.may_answer.set).start()
        site.server.stop(patience_seconds=PATIENCE_SECONDS)
        with AppServer(kind) as following:
            client = site.fake.client
            given = environment(site.serving.url, client.client_id, client.client_secret, {"cache": cache})
            following.start({**given, CLOCK: str(site.clock.path)})
            token = visitor.fetch(f"{following.url}/next", headers=LAST).json()["token"]
        assert (token != old, site.fake.refresh_count) == (True, 1)
