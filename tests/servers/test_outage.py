"""FotoWeb goes away and comes back, under real servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.providers.oidc_provider import StartRig
from tests.servers.serving import GUNICORN_THREADS, HYPERCORN, UVICORN_H11, WAITRESS, Kind
from tests.servers.sites import fake_site, rig_site, wait_until
from tests.servers.visitor import Page, Visitor

TOKEN_SECONDS = 3
MOST_TRIES = 5


def check_outage(url: str, visitor: Visitor, stop: Callable[[], object], start: Callable[[], object]) -> None:
    """Valid token: requests go on. Expired: 503 with Retry-After. FotoWeb back: the same session goes on."""
    first = serve_while_valid(url, visitor, stop, start)
    wait_until(first["expires_at"])
    refused = visitor.fetch(f"{url}/while-expired")
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    page = visitor.go(f"{url}/while-expired")
    assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "set-cookie" not in page.headers
    start()
    again = after_a_pause(visitor, page, f"{url}/back")
    assert again.hops == ((200, f"{url}/back"),)
    assert again.json()["token"] != first["token"]


def serve_while_valid(
    url: str, visitor: Visitor, stop: Callable[[], object], start: Callable[[], object]
) -> dict[str, Any]:
    """Let FotoWeb go away while a token is valid, which serves on; return what the app told of it.

    Where the machine stands still until the token has expired, FotoWeb comes back, and it is tried with the next one.
    """
    for _ in range(MOST_TRIES):
        first: dict[str, Any] = visitor.visit(f"{url}/").json()
        stop()
        answer = visitor.fetch(f"{url}/while-valid")
        if time.time() < first["expires_at"]:
            assert answer.json()["token"] == first["token"]
            return first
        start()
        time.sleep(int(answer.headers.get("retry-after", 0)))
    raise AssertionError(f"{MOST_TRIES} tokens had expired before they were used")


def after_a_pause(visitor: Visitor, page: Page, url: str) -> Page:
    """Come back when the page said one could."""
    seconds = int(page.headers["retry-after"])
    assert 1 <= seconds <= 8
    time.sleep(seconds)
    return visitor.go(url)


@pytest.mark.rig
@pytest.mark.parametrize("kind", [UVICORN_H11, GUNICORN_THREADS], ids=str)
def test_the_session_outlives_an_outage_of_the_independent_server(
    kind: Kind, oidc_rig: StartRig, visitor: Visitor
) -> None:
    """The independent server's port is closed for a while: no login is asked for afterwards."""
    with rig_site(kind, oidc_rig, token_seconds=TOKEN_SECONDS, refresh_leeway="0") as site:
        before: list[str] = []

        def unplug() -> None:
            before[:] = site.token_requests()
            site.rig.unplug()

        check_outage(site.url, visitor, unplug, site.rig.plug_in)

        assert before.count("authorization_code") == 1
        assert site.token_requests()[len(before) :] == ["refresh_token", "error"]  # The last one is our own.


@pytest.mark.parametrize("kind", [HYPERCORN, WAITRESS], ids=str)
def test_the_session_outlives_an_outage_of_the_simulator(kind: Kind, visitor: Visitor) -> None:
    """The simulator is stopped and started again: no login is asked for afterwards."""
    with fake_site(kind, switches={"access_token_lifetime_seconds": TOKEN_SECONDS}, refresh_leeway="0") as site:
        check_outage(site.url, visitor, site.serving.stop, site.serving.start)

        assert site.logins == 1
