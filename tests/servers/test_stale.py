"""A stale token: the answer goes out with it at once, and the refresh comes after, whatever the server."""

from __future__ import annotations

import time

import pytest

from fotoweb_middleware.testing import Fault
from tests.servers.echo_app import file_content
from tests.servers.serving import ASGI_SERVERS, WSGI_SERVERS, Kind
from tests.servers.sites import FakeSite, fake_site, wait_until
from tests.servers.visitor import Visitor

TOKEN_SECONDS = 4
SLOW_SECONDS = 1.0
PATIENCE_SECONDS = 10


def next_token(site: FakeSite, visitor: Visitor, old: str) -> str:
    """Return the token that the app gets once it is another one than ``old``."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while (token := str(visitor.fetch(f"{site.url}/next").json()["token"])) == old:
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    return token


@pytest.mark.parametrize("kind", [*ASGI_SERVERS, *WSGI_SERVERS], ids=str)
def test_nobody_waits_for_the_refresh_of_a_stale_token(kind: Kind, visitor: Visitor) -> None:
    """A file goes out whole while FotoWeb is slow; one refresh follows, and the next request has its token."""
    with fake_site(kind, switches={"access_token_lifetime_seconds": TOKEN_SECONDS}, refresh_leeway="60") as site:
        first = visitor.visit(site.url).json()
        wait_until(first["expires_at"] - TOKEN_SECONDS / 2)
        site.fake.fault("token", Fault.slow(SLOW_SECONDS), times=1)
        answer = visitor.fetch(f"{site.url}/file")
        assert (answer.content, site.fake.refresh_count) == (file_content(), 0)
        assert answer.elapsed.total_seconds() < SLOW_SECONDS / 2
        assert next_token(site, visitor, first["token"])
        assert (site.fake.refresh_count, site.logins) == (1, 1)
