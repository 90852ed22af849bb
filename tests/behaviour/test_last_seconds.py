"""The last seconds of a token: the app gets one that lives on, where there is one, and never a dead one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import Visited, Visitor

HOUR = 3600
MARGINS = [(HOUR, 5), (100, 5), (20, 2), (4, 0.4)]
"""Of each lifetime of a token, the seconds at its end in which it is not handed out any more."""


@pytest.mark.parametrize(("lifetime_seconds", "margin_seconds"), MARGINS)
def test_refreshed_before_the_app_gets_it(
    site: Visited, visitor: Visitor, lifetime_seconds: int, margin_seconds: float
) -> None:
    """A token with less than 5 seconds left, or a tenth of its lifetime, is refreshed first."""
    site.fake.switch(access_token_lifetime_seconds=lifetime_seconds)
    visitor.log_in()
    before = visitor.get("/").seen["token"]
    site.clock.advance(lifetime_seconds - margin_seconds + 0.1)

    seen = visitor.get("/").seen

    assert (seen["token"] != before, site.refreshes) == (True, 1)
    assert seen["expires_at"] - site.clock() == pytest.approx(lifetime_seconds)


@pytest.mark.parametrize(("lifetime_seconds", "margin_seconds"), MARGINS)
def test_used_until_then(site: Visited, visitor: Visitor, lifetime_seconds: int, margin_seconds: float) -> None:
    """A little earlier it is handed out as it is; the refresh follows the answer."""
    site.fake.switch(access_token_lifetime_seconds=lifetime_seconds)
    visitor.log_in()
    before = visitor.get("/").seen["token"]
    site.clock.advance(lifetime_seconds - margin_seconds - 0.1)

    assert (visitor.get("/").seen["token"], site.refreshes) == (before, 1)


@pytest.mark.parametrize(
    "fault",
    [Fault.dropped(), Fault.bad_gateway(), Fault.too_many_requests(), Fault.replaced(body="{"), Fault.invalid_client()],
    ids=lambda fault: fault.name,
)
def test_what_is_left_while_fotoweb_fails(site: Visited, visitor: Visitor, fault: Fault) -> None:
    """Where no new token comes, what is left of a valid one is handed out, to the last second and no longer."""
    site.fake.switch(access_token_lifetime_seconds=HOUR)
    visitor.log_in()
    token = visitor.get("/").seen["token"]
    site.fake.fault("token", fault)
    site.clock.advance(HOUR - 4)

    seen = [visitor.get("/").seen["token"] for _ in range(3)]
    site.clock.advance(3.9)
    seen.append(visitor.get("/").seen["token"])
    site.clock.advance(0.2)

    assert seen == [token] * 4
    assert visitor.get("/").status in {502, 503}


def test_refused_in_its_last_seconds(site: Visited, visitor: Visitor) -> None:
    """A session that FotoWeb has ended is over, though seconds of its token are left."""
    site.fake.switch(access_token_lifetime_seconds=HOUR)
    visitor.log_in()
    calls = site.app.calls
    site.fake.revoke_everything()
    site.clock.advance(HOUR - 4)

    assert [visitor.get("/").status for _ in range(2)] == [401, 401]
    assert (site.refreshes, site.app.calls) == (1, calls)


@pytest.mark.parametrize("lifetime_seconds", [2, 30, 59, HOUR])
@pytest.mark.parametrize("is_used", [True, False], ids=["used before", "never used"])
def test_expired_without_a_refresh_token(site: Visited, visitor: Visitor, lifetime_seconds: int, is_used: bool) -> None:
    """Without a refresh token the session serves to its token's last moment, and not once after it."""
    site.fake.switch(access_token_lifetime_seconds=lifetime_seconds, refresh_tokens=False)
    visitor.log_in()
    if is_used:
        site.clock.advance(lifetime_seconds - 0.5)
        assert visitor.get("/").status == 200
        site.clock.advance(0.6)
    else:
        site.clock.advance(lifetime_seconds + 0.1)

    assert [visitor.get("/").status for _ in range(2)] == [401, 401]
    assert site.refreshes == 0


@pytest.mark.parametrize("expires_in", ["0", "0.5"])
def test_born_expired_without_a_refresh_token(site: Visited, visitor: Visitor, expires_in: str) -> None:
    """A token that was born expired serves once, or a login would lead to the next login."""
    site.fake.switch(expires_in_raw=expires_in, refresh_tokens=False)
    visitor.log_in()
    site.clock.advance(0.6)

    assert [visitor.get("/").status for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("leeway", [0, 2])
def test_a_short_leeway_hands_out_no_dying_token(open_site: Callable[..., Visited], leeway: float) -> None:
    """Whatever ``FOTOWEB_REFRESH_LEEWAY`` says, a token has at least five seconds left when the app gets it."""
    site = open_site(refresh_leeway=leeway)
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor = site.visitor()
    visitor.log_in()
    left = []
    for seconds in (293, 0, 4.5):  # Known at 293; the store need not be asked again before 298.
        site.clock.advance(seconds)
        left.append(visitor.get("/").seen["expires_at"] - site.clock())

    assert min(left) > 5
