"""``authorize`` is asked about sessions that are alive, with a token that is valid."""

from __future__ import annotations

import pytest

from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import Visited
from tests.behaviour.test_who_may_enter import Callback, OpenSite, asking, authorize, open_site

__all__ = ["asking", "authorize", "open_site"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(Fault.server_error(), 503), (Fault.oauth_error("invalid_grant"), 302)],
    ids=["down", "over"],
)
def test_expired_token_that_is_not_renewed(
    open_site: OpenSite, authorize: Callback, fault: Fault, expected: int
) -> None:
    """The app is not asked about it: the answer is as without ``authorize``, and a public path is reached."""
    site = open_site(public_paths=["/public"], _callables={"authorize": authorize})
    visitor = site.visitor()
    visitor.log_in()
    site.clock.advance(30_000)
    site.restart()
    site.fake.fault("token", fault)

    assert visitor.get("/oauth2/session").status == 200
    assert visitor.visit("/public").seen["user"] is None
    assert visitor.visit("/").status == expected
    assert len(authorize.sessions) == 1


def test_logout_while_the_app_is_asked(asking: Visited, authorize: Callback) -> None:
    """The session is over then, whatever the app answers."""
    visitor = asking.visitor()
    visitor.log_in()
    asking.restart()
    calls = asking.app.calls
    authorize.meanwhile = lambda: visitor.send("POST", "/oauth2/logout", {"Sec-Fetch-Site": "same-origin"})

    assert visitor.get("/").status == 401
    assert asking.app.calls == calls
