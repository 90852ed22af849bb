"""Nothing is held back in between: responses and bodies pass piece by piece, under every server that can."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.servers.echo_app import CHUNKS, FIRST_PART_BYTES, chunk, digest, file_content
from tests.servers.pacer import Pacer
from tests.servers.serving import ASGI_SERVERS, WAITRESS, WSGI_SERVERS, Kind
from tests.servers.sites import FakeSite, fake_site
from tests.servers.visitor import Visitor

BODY = bytes(range(256)) * 20_480  # 5 MB
PIECE_BYTES = 65_536
KINDS = (*ASGI_SERVERS, *WSGI_SERVERS)


@pytest.fixture(scope="module", params=KINDS, ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[FakeSite]:
    """Return an app and a simulator for all tests of this file."""
    kind: Kind = request.param
    with fake_site(kind) as started:
        yield started


def client_of(site: FakeSite, visitor: Visitor) -> httpx.Client:
    """Return a client with the cookies of a visitor who is logged in."""
    visitor.visit(site.url)
    headers = {"Cookie": visitor.cookie_header(site.url), "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    return httpx.Client(base_url=site.url, headers=headers, trust_env=False, timeout=15)


def test_a_response_arrives_chunk_by_chunk(site: FakeSite, visitor: Visitor) -> None:
    """The app makes each chunk only when the one before has arrived."""
    with (
        client_of(site, visitor) as client,
        Pacer() as pacer,
        client.stream("GET", f"/stream?pacer={pacer.port}") as response,
    ):
        pieces = response.iter_raw()
        for number in range(CHUNKS):
            arrived = b""
            while len(arrived) < len(chunk(number)):
                arrived += next(pieces)
            assert arrived == chunk(number)
            if number < CHUNKS - 1:
                pacer.next()

        assert b"".join(pieces) == b""


def test_a_request_body_of_5_mb_arrives_whole(site: FakeSite, visitor: Visitor) -> None:
    """Not a byte is lost or changed."""
    with client_of(site, visitor) as client:
        answer = client.post("/upload", content=BODY).json()

    assert answer == {"bytes": len(BODY), "digest": digest(BODY)}


# waitress collects the whole body before it calls any app.
@pytest.mark.parametrize(
    "site", [kind for kind in KINDS if kind is not WAITRESS], ids=str, indirect=True, scope="module"
)
def test_a_request_body_streams_in(site: FakeSite, visitor: Visitor) -> None:
    """The app has the first part before the last part is sent."""
    with client_of(site, visitor) as client, Pacer() as pacer:

        def body() -> Iterator[bytes]:
            yield BODY[: FIRST_PART_BYTES + PIECE_BYTES]
            pacer.wait_for_app()
            yield BODY[FIRST_PART_BYTES + PIECE_BYTES :]

        length = {"Content-Length": str(len(BODY))}
        answer = client.post(f"/upload?pacer={pacer.port}", content=body(), headers=length).json()

    assert answer["bytes"] == len(BODY)


def test_a_file_arrives_whole(site: FakeSite, visitor: Visitor) -> None:
    """``wsgi.file_wrapper`` works, and so does a large ASGI body."""
    with client_of(site, visitor) as client:
        assert client.get("/file").content == file_content()
