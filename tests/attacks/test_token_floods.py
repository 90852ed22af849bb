"""Token endpoints that send too much: no memory is taken for it (security case T-TE-11)."""

from __future__ import annotations

import gzip
import io
import time
from collections.abc import Iterator

import pytest

from tests.attacks.answers import BOMB_MEGABYTES, Answer, broken_off, endless_body, endless_continue, gzip_bomb, written
from tests.attacks.attacked import ONE_OF_EACH_KIND
from tests.attacks.browser import Browser
from tests.attacks.conftest import Serve
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.verdicts import check_failed_login
from tests.servers.serving import Kind

MOST_GROWTH_BYTES = 32 * 1024 * 1024
BOMB = gzip_bomb()

FLOODS: dict[str, Answer] = {
    "gzip": broken_off(written(200, BOMB, Content_Encoding="gzip")),
    "gzip in gzip": broken_off(written(200, gzip.compress(BOMB), Content_Encoding="gzip, gzip")),
    "br": broken_off(written(200, b"\x8b\x02\x80" + BOMB, Content_Encoding="br")),
    "10 GiB": endless_body,
    "100,000 headers": broken_off(b"HTTP/1.1 200 OK\r\n", b"X-Header: value\r\n" * 100_000, b"\r\n"),
    "header of 10 MB": broken_off(b"HTTP/1.1 200 OK\r\nX-Header: ", b"v" * 10_000_000, b"\r\n\r\n"),
    "100 Continue": endless_continue,
}


def test_the_bomb_is_one() -> None:
    """What is sent as a gzip bomb fits the limit of a body, and really inflates to a thousand times that (T-TE-11)."""
    assert 150_000 < len(BOMB) < 262_144
    with gzip.open(io.BytesIO(BOMB)) as inflated:
        assert inflated.read(3_000_000) == b" " * 3_000_000
    assert len(BOMB) // BOMB_MEGABYTES < 1_100


@pytest.fixture
def case(kind: Kind, serve_hastily: Serve, fotoweb: ScriptedFotoWeb) -> Iterator[Case]:
    """Return a case on a server that waits for FotoWeb for a second.

    A test before may have left many calls there unanswered: for two seconds no new ones are made then.
    """
    opened = Case(serve_hastily(kind), fotoweb)
    ends_at = time.monotonic() + 20
    while opened.browser().try_to_log_in().status == 503 and time.monotonic() < ends_at:
        time.sleep(0.1)
    yield opened
    check_oracles(opened)


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("kind", ONE_OF_EACH_KIND, ids=str)
def test_flood(browser: Browser, flood: str) -> None:
    """An answer without end or measure ends the login on a page, and takes less than 32 MB (R-TE4; T-TE-11)."""
    browser.xhr("/")  # What a first request costs does not count.
    before_bytes = browser.server.forget_peak()
    browser.fotoweb.script(browser.user, FLOODS[flood])

    check_failed_login(browser.try_to_log_in(), browser)

    assert browser.server.peak_bytes - before_bytes < MOST_GROWTH_BYTES
