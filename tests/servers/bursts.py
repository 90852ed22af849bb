"""Eight requests at once on an expired token, again and again, against an authorization server that rotates."""

from __future__ import annotations

import contextlib

from fotoweb_middleware.testing import Fault
from tests.providers.oidc_provider import StartRig
from tests.servers.serving import Kind
from tests.servers.sites import FakeSite, RigSite, fake_site, rig_site, wait_until
from tests.servers.visitor import Visitor

__all__ = ["AT_ONCE", "TRIES", "check_bursts", "check_slow_burst"]

TRIES = 50
AT_ONCE = 8
VISITORS = 10
TOKEN_SECONDS = 3
"""Long enough that a burst never outlasts its own new token, also on a busy machine."""


def check_bursts(kind: Kind, start_rig: StartRig) -> None:
    """50 of 50 tries: eight times 200 with one and the same new token, one refresh, and the session lives on.

    Ten people take turns: while one's token ages, the others have theirs refreshed, so hardly any time is waited.
    """
    with contextlib.ExitStack() as open_browsers:
        site = open_browsers.enter_context(
            rig_site(kind, start_rig, token_seconds=TOKEN_SECONDS, rotate=True, refresh_leeway="0")
        )
        visitors = [open_browsers.enter_context(Visitor()) for _ in range(VISITORS)]
        expiries = {visitor: visitor.visit(site.url).json()["expires_at"] for visitor in visitors}
        assert site.token_requests().count("authorization_code") == VISITORS
        for number in range(TRIES):
            visitor = visitors[number % VISITORS]
            wait_until(expiries[visitor])
            expiries[visitor] = check_burst(site, visitor, number)


def check_burst(site: RigSite, visitor: Visitor, number: int) -> float:
    """Let one visitor's token be refreshed by eight requests; return when the new one expires."""
    before = site.token_requests()
    answers = visitor.fetch_at_once(f"{site.url}/burst", AT_ONCE)
    refreshes = site.token_requests()[len(before) : -1]  # The last one is our own.
    told = [answer.json() for answer in answers if answer.status_code == 200]
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE, f"try {number}: {answers}"
    assert refreshes == ["refresh_token"], f"try {number}"
    assert len({seen["token"] for seen in told}) == 1, f"try {number}"
    expires_at: float = told[0]["expires_at"]
    return expires_at


def check_slow_burst(kind: Kind) -> None:
    """With a token endpoint that takes half a second, all eight wait for the one refresh."""
    with (
        fake_site(kind, switches={"access_token_lifetime_seconds": 2}, refresh_leeway="0") as site,
        Visitor() as visitor,
    ):
        first = visitor.visit(site.url).json()
        site.fake.fault("token", Fault.slow(0.5))
        wait_until(first["expires_at"])
        answers = visitor.fetch_at_once(f"{site.url}/burst", AT_ONCE)
        assert [answer.status_code for answer in answers] == [200] * AT_ONCE
        assert_refreshed_once(site)


def assert_refreshed_once(site: FakeSite) -> None:
    """One refresh was sent, and no refresh token twice."""
    assert (site.fake.refresh_count, set(site.fake.posts_per_refresh_token.values())) == (1, {1})
