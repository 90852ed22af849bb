"""FotoWeb goes away and comes back, under real servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.providers.oidc_provider import StartRig
from tests.servers.serving import GUNICORN_THREADS, HYPERCORN, UVICORN_H11, WAITRESS, Kind
from tests.servers.sites import TOKEN_SECONDS, FakeSite, RigSite, fake_site, rig_site
from tests.servers.visitor import Visitor


def check_outage(
    site: RigSite | FakeSite, visitor: Visitor, stop: Callable[[], object], start: Callable[[], object]
) -> None:
    """Valid token: requests go on. Expired: 503 with Retry-After. FotoWeb back: the same session goes on."""
    url = site.server.url
    first = visitor.visit(f"{url}/").json()
    stop()
    assert visitor.fetch(f"{url}/while-valid").json()["token"] == first["token"]
    site.clock.advance(TOKEN_SECONDS + 1)
    refused = visitor.fetch(f"{url}/while-expired")
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    page = visitor.go(f"{url}/while-expired")
    assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "set-cookie" not in page.headers
    start()
    site.clock.advance(int(page.headers["retry-after"]))
    again = visitor.go(f"{url}/back")
    assert again.hops == ((200, f"{url}/back"),)
    assert again.json()["token"] != first["token"]


@pytest.mark.rig
@pytest.mark.parametrize("kind", [UVICORN_H11, GUNICORN_THREADS], ids=str)
def test_the_session_outlives_an_outage_of_the_independent_server(
    kind: Kind, oidc_rig: StartRig, visitor: Visitor
) -> None:
    """The independent server's port is closed for a while: no login is asked for afterwards."""
    with rig_site(kind, oidc_rig) as site:
        before: list[str] = []

        def unplug() -> None:
            before[:] = site.token_requests()
            site.rig.unplug()

        check_outage(site, visitor, unplug, site.rig.plug_in)

        assert before.count("authorization_code") == 1
        assert site.token_requests()[len(before) :] == ["refresh_token", "error"]  # The last one is our own.


@pytest.mark.parametrize("kind", [HYPERCORN, WAITRESS], ids=str)
def test_the_session_outlives_an_outage_of_the_simulator(kind: Kind, visitor: Visitor) -> None:
    """The simulator is stopped and started again: no login is asked for afterwards."""
    with fake_site(kind) as site:
        check_outage(site, visitor, site.serving.stop, site.serving.start)

        assert site.logins == 1
