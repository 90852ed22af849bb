"""A WebSocket whose session has an expired token: it is refreshed first, and the handshake's answer says so."""

from __future__ import annotations

import json

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.servers.serving import HYPERCORN, UVICORN_H11, Kind
from tests.servers.sites import TOKEN_SECONDS, fake_site
from tests.servers.visitor import Visitor


@pytest.mark.parametrize("kind", [UVICORN_H11, HYPERCORN], ids=str)
def test_the_handshake_refreshes_an_expired_token(kind: Kind, visitor: Visitor) -> None:
    """The app gets the new token, and the 101 answer carries the new cookie."""
    with fake_site(kind) as site:
        first = visitor.visit(site.url).json()
        site.clock.advance(TOKEN_SECONDS + 1)
        url, cookie = site.url.replace("http://", "ws://"), visitor.cookie_header(site.url)
        with connect(f"{url}/ws", origin=Origin(site.url), additional_headers={"Cookie": cookie}, proxy=None) as socket:
            seen = json.loads(socket.recv())
            assert socket.response is not None
            set_cookies = socket.response.headers.get_all("Set-Cookie")

    assert seen["token"] not in {None, first["token"]}
    assert [value.partition("=")[0] for value in set_cookies] == ["fotoweb"]
