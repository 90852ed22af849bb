"""WebSockets through a real server: decided at the handshake, and the app has the token in its scope."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.servers.serving import HYPERCORN, UVICORN_H11, Kind
from tests.servers.sites import FakeSite, fake_site
from tests.servers.visitor import Visitor


@pytest.fixture(scope="module", params=[UVICORN_H11, HYPERCORN], ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[FakeSite]:
    """Return an app and a simulator for all tests of this file."""
    kind: Kind = request.param
    with fake_site(kind) as started:
        yield started


def opened(site: FakeSite, visitor: Visitor, origin: str | None = None) -> ClientConnection:
    """Open a WebSocket as a page's script does, with the browser's cookies."""
    cookie = visitor.cookie_header(site.url)
    headers = {"Cookie": cookie} if cookie else {}
    url = site.url.replace("http://", "ws://")
    return connect(f"{url}/ws?a=b", origin=Origin(origin or site.url), additional_headers=headers, proxy=None)


def test_the_app_has_the_token(site: FakeSite, visitor: Visitor) -> None:
    """With a session the handshake is accepted, and the scope carries the session and its token."""
    token = visitor.visit(site.url).json()["token"]
    with opened(site, visitor) as socket:
        seen = json.loads(socket.recv())

    assert (seen["token"], seen["session_token"], list(seen["cookies"])) == (token, token, ["fotoweb-tag"])


def test_messages_pass_in_both_directions(site: FakeSite, visitor: Visitor) -> None:
    """What follows the handshake is the app's business."""
    visitor.visit(site.url)
    with opened(site, visitor) as socket:
        socket.recv()
        socket.send("hello")

        assert socket.recv() == "echo hello"


def test_nobody_is_refused_with_a_401(site: FakeSite, visitor: Visitor) -> None:
    """Without a session the handshake is answered with 401 and the way to log in."""
    with pytest.raises(InvalidStatus) as refused:
        opened(site, visitor)

    response = refused.value.response
    assert (response.status_code, json.loads(response.body or b"{}")["login_url"]) == (401, "/oauth2/login")


def test_another_origin_is_refused_with_a_403(site: FakeSite, visitor: Visitor) -> None:
    """With a session, but from another origin's page, the handshake is answered with 403."""
    visitor.visit(site.url)
    with pytest.raises(InvalidStatus) as refused:
        opened(site, visitor, origin="http://evil.example")

    assert refused.value.response.status_code == 403
