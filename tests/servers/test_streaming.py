"""Nothing is held back in between: responses and bodies pass piece by piece, under every server that can."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.echo_app import digest, file_content
from tests.servers.serving import ASGI_SERVERS, WAITRESS, WSGI_SERVERS, Kind
from tests.servers.sites import FakeSite, fake_site
from tests.servers.streams import BODY, check_stream_down, check_stream_up
from tests.servers.visitor import Visitor

KINDS = (*ASGI_SERVERS, *WSGI_SERVERS)


@pytest.fixture(scope="module", params=KINDS, ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[FakeSite]:
    """Return an app and a simulator for all tests of this file."""
    kind: Kind = request.param
    with fake_site(kind) as started:
        yield started


def test_a_response_arrives_chunk_by_chunk(site: FakeSite, visitor: Visitor) -> None:
    """The app makes each chunk only when the one before has arrived."""
    visitor.visit(site.url)
    with visitor.script_client(site.url) as client:
        check_stream_down(client)


def test_a_request_body_of_5_mb_arrives_whole(site: FakeSite, visitor: Visitor) -> None:
    """Not a byte is lost or changed."""
    visitor.visit(site.url)
    with visitor.script_client(site.url) as client:
        answer = client.post("/upload", content=BODY).json()

    assert answer == {"bytes": len(BODY), "digest": digest(BODY)}


# waitress collects the whole body before it calls any app.
@pytest.mark.parametrize(
    "site", [kind for kind in KINDS if kind is not WAITRESS], ids=str, indirect=True, scope="module"
)
def test_a_request_body_streams_in(site: FakeSite, visitor: Visitor) -> None:
    """The app has the first part before the last part is sent."""
    visitor.visit(site.url)
    with visitor.script_client(site.url) as client:
        check_stream_up(client)


def test_a_file_arrives_whole(site: FakeSite, visitor: Visitor) -> None:
    """``wsgi.file_wrapper`` works, and so does a large ASGI body."""
    visitor.visit(site.url)
    with visitor.script_client(site.url) as client:
        assert client.get("/file").content == file_content()
