"""A stale token: the answer goes out with it at once, and the refresh comes after, whatever the server."""

from __future__ import annotations

import time

import pytest

from tests.servers.echo_app import file_content
from tests.servers.serving import ASGI_SERVERS, WSGI_SERVERS, Kind
from tests.servers.sites import FakeSite
from tests.servers.stale import stale_site
from tests.servers.visitor import Visitor

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
    """A file goes out whole while FotoWeb says nothing; one refresh follows, and the next request has its token."""
    with stale_site(kind) as stale:
        site = stale.site
        old, answer = stale.fetch_while_stale(visitor, "/file")
        assert answer.content == file_content()
        stale.may_answer.set()
        assert next_token(site, visitor, old)
        assert (site.fake.refresh_count, site.logins) == (1, 0)  # Since it was asked for the file.
