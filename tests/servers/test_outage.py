"""FotoWeb goes away and comes back, under real servers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.providers.oidc_provider import StartRig
from tests.servers.serving import GUNICORN_THREADS, HYPERCORN, UVICORN_H11, WAITRESS, Kind
from tests.servers.sites import fake_site, rig_site, wait_until
from tests.servers.visitor import Page, Visitor

TOKEN_SECONDS = 3


def check_outage(url: str, visitor: Visitor, stop: Callable[[], object], start: Callable[[], object]) -> None:
    """Valid token: requests go on. Expired: 503 with Retry-After. FotoWeb back: the same session goes on."""
    first = visitor.visit(f"{url}/").json()
    stop()
    assert visitor.fetch(f"{url}/while-valid").json()["token"] == first["token"]
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
        check_outage(site.url, visitor, site.rig.unplug, site.rig.plug_in)

        assert site.token_requests() == ["authorization_code", "refresh_token", "error"]


@pytest.mark.parametrize("kind", [HYPERCORN, WAITRESS], ids=str)
def test_the_session_outlives_an_outage_of_the_simulator(kind: Kind, visitor: Visitor) -> None:
    """The simulator is stopped and started again: no login is asked for afterwards."""
    with fake_site(kind, switches={"access_token_lifetime_seconds": TOKEN_SECONDS}, refresh_leeway="0") as site:
        check_outage(site.url, visitor, site.serving.stop, site.serving.start)

        assert site.logins == 1
