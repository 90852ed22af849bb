"""Streams and WebSockets that outlive their token, on real servers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.servers.pacer import Pacer
from tests.servers.serving import GUNICORN_THREADS, HYPERCORN, UVICORN_H11, UVICORN_HTTPTOOLS, AppServer, Kind
from tests.servers.sites import TOKEN_SECONDS, FakeSite, environment, fake_site
from tests.servers.turned_clock import CLOCK
from tests.servers.visitor import Visitor

STREAM_TOKEN_SECONDS = 20
STREAM_SECONDS = 600


def is_accepted(site: FakeSite, token: str) -> bool:
    """Return whether FotoWeb's API takes a token."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(transport=site.fake.transport(), base_url="http://fotoweb.test") as client:
        return client.get("/fotoweb/me", headers=headers).status_code == 200


@pytest.mark.parametrize("kind", [UVICORN_HTTPTOOLS, HYPERCORN, GUNICORN_THREADS], ids=str)
def test_an_event_stream_of_ten_minutes(kind: Kind, visitor: Visitor) -> None:
    """A stream of ten minutes with tokens of 20 seconds has one that FotoWeb takes each time; the clock is turned."""
    with fake_site(kind) as site, Pacer() as pacer:
        site.fake.switch(access_token_lifetime_seconds=STREAM_TOKEN_SECONDS)
        visitor.visit(site.url)
        headers = {"Cookie": visitor.cookie_header(site.url), "Sec-Fetch-Site": "same-origin"}
        with (
            httpx.Client(base_url=site.url, headers=headers, trust_env=False, timeout=15) as client,
            client.stream("GET", f"/tokens?pacer={pacer.port}") as response,
        ):
            tokens = response.iter_lines()
            seen = set()
            for _ in range(STREAM_SECONDS // STREAM_TOKEN_SECONDS):
                token = next(tokens)
                assert is_accepted(site, token)
                seen.add(token)
                site.clock.advance(STREAM_TOKEN_SECONDS)
                pacer.next()

    assert len(seen) == STREAM_SECONDS // STREAM_TOKEN_SECONDS


@contextlib.contextmanager
def other_worker(site: FakeSite, kind: Kind, **variables: str) -> Iterator[AppServer]:
    """Start one more server of the same app, over the same store."""
    client = site.fake.client
    given = environment(f"http://127.0.0.1:{site.serving.port}", client.client_id, client.client_secret, variables)
    with AppServer(kind) as server:
        server.start({**given, CLOCK: str(site.clock.path)})
        yield server


def opened(site: FakeSite, visitor: Visitor) -> ClientConnection:
    """Open a WebSocket as a page's script does."""
    cookie, url = visitor.cookie_header(site.url), site.url.replace("http://", "ws://")
    return connect(f"{url}/ws", origin=Origin(site.url), additional_headers={"Cookie": cookie}, proxy=None)


@pytest.mark.parametrize("kind", [UVICORN_H11, UVICORN_HTTPTOOLS, HYPERCORN], ids=str)
def test_a_websocket_across_three_expiries(kind: Kind, visitor: Visitor, tmp_path: Path) -> None:
    """It has a token that works each time, and is closed with 4401 when its user signs out at another worker."""
    variables: Any = {"cache": f"sqlite:///{tmp_path}/sessions.db", "cache_recheck": "0.2", "session_lifetime": "86400"}
    with fake_site(kind, **variables) as site, other_worker(site, kind, **variables) as other:
        visitor.visit(site.url)
        with opened(site, visitor) as socket:
            socket.recv()
            tokens = set()
            for _ in range(3):
                site.clock.advance(TOKEN_SECONDS + 1)
                socket.send("token")
                token = str(socket.recv())
                assert is_accepted(site, token)
                tokens.add(token)
            assert len(tokens) == 3

            headers = {"Cookie": visitor.cookie_header(site.url), "Sec-Fetch-Site": "same-origin"}
            assert httpx.post(f"{other.url}/oauth2/logout", headers=headers, trust_env=False).status_code == 200
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=20)

    assert socket.close_code == 4401
