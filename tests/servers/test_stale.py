"""A stale token: the answer goes out with it at once, and the refresh comes after, whatever the server."""

from __future__ import annotations

import pytest

from tests.servers.echo_app import file_content
from tests.servers.serving import ASGI_SERVERS, WSGI_SERVERS, Kind
from tests.servers.sites import wait_for
from tests.servers.stale import stale_site
from tests.servers.visitor import Visitor


@pytest.mark.parametrize("kind", [*ASGI_SERVERS, *WSGI_SERVERS], ids=str)
def test_nobody_waits_for_the_refresh_of_a_stale_token(kind: Kind, visitor: Visitor) -> None:
    """A file goes out whole while FotoWeb says nothing; one refresh follows, and the next request has its token."""
    with stale_site(kind) as stale:
        site = stale.site
        old, answer = stale.fetch_while_stale(visitor, "/file")
        assert answer.content == file_content()
        stale.may_answer.set()
        wait_for(lambda: visitor.fetch(f"{site.url}/next").json()["token"] != old, "the new token")
        assert (site.fake.refresh_count, site.logins) == (1, 0)  # Since it was asked for the file.
