"""That bodies pass piece by piece, for ``test_streaming.py`` and for the matrix: one end waits for the other."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from tests.servers.echo_app import CHUNKS, FIRST_PART_BYTES, chunk, digest
from tests.servers.pacer import Pacer

__all__ = ["BODY", "check_stream_down", "check_stream_up"]

BODY = bytes(range(256)) * 20_480  # 5 MB
PIECE_BYTES = 65_536


def check_stream_down(client: httpx.Client) -> None:
    """A response arrives chunk by chunk: the app makes each only when the one before has arrived."""
    with Pacer() as pacer, client.stream("GET", f"/stream?pacer={pacer.port}") as response:
        assert response.status_code == 200, response.read()
        pieces = response.iter_raw()
        for number in range(CHUNKS):
            arrived = b""
            while len(arrived) < len(chunk(number)):
                arrived += next(pieces)
            assert arrived == chunk(number)
            if number < CHUNKS - 1:
                pacer.next()

        assert b"".join(pieces) == b""


def check_stream_up(client: httpx.Client) -> None:
    """A request's body arrives piece by piece: the app has the first part before the last part is sent."""
    with Pacer() as pacer:

        def body() -> Iterator[bytes]:
            yield BODY[: FIRST_PART_BYTES + PIECE_BYTES]
            pacer.wait_for_app()
            yield BODY[FIRST_PART_BYTES + PIECE_BYTES :]

        headers = {"Content-Length": str(len(BODY)), "Content-Type": "application/octet-stream"}
        response = client.post(f"/upload?pacer={pacer.port}", content=body(), headers=headers)

    assert response.status_code == 200, response.text
    assert response.json() == {"bytes": len(BODY), "digest": digest(BODY)}
