"""An event stream of ten minutes by the real clock, with tokens of 20 seconds: FotoWeb never answers 401."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.servers.pacer import Pacer
from tests.servers.serving import GUNICORN_THREADS, UVICORN_HTTPTOOLS, Kind
from tests.servers.sites import fake_site
from tests.servers.test_long_requests import STREAM_SECONDS, STREAM_TOKEN_SECONDS, is_accepted
from tests.servers.visitor import Visitor

STEP_SECONDS = 1.0


@pytest.mark.timeout(STREAM_SECONDS + 60)
@pytest.mark.parametrize("kind", [UVICORN_HTTPTOOLS, GUNICORN_THREADS], ids=str)
def test_ten_minutes(kind: Kind, visitor: Visitor) -> None:
    """Each second the stream has a token that FotoWeb takes, through some thirty refreshes."""
    with fake_site(kind) as site, Pacer() as pacer:
        site.fake.switch(access_token_lifetime_seconds=STREAM_TOKEN_SECONDS)
        visitor.visit(site.url)
        headers = {"Cookie": visitor.cookie_header(site.url), "Sec-Fetch-Site": "same-origin"}
        with (
            httpx.Client(base_url=site.url, headers=headers, trust_env=False, timeout=15) as client,
            client.stream("GET", f"/tokens?pacer={pacer.port}") as response,
        ):
            tokens = response.iter_lines()
            answers = []
            ends_at = time.monotonic() + STREAM_SECONDS
            while time.monotonic() < ends_at:
                answers.append(is_accepted(site, next(tokens)))
                time.sleep(STEP_SECONDS)
                pacer.next()

    assert all(answers)
    assert len(answers) > STREAM_SECONDS / STEP_SECONDS / 2
    assert site.fake.refresh_count >= STREAM_SECONDS // STREAM_TOKEN_SECONDS - 1
