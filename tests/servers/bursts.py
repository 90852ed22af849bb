"""Eight requests at once on an expired token, again and again, against an authorization server that rotates."""

from __future__ import annotations

import contextlib
import time

from fotoweb_middleware.testing import Fault
from tests.providers.oidc_provider import StartRig
from tests.servers.serving import Kind
from tests.servers.sites import FakeSite, RigSite, fake_site, rig_site, wait_until
from tests.servers.visitor import Visitor

__all__ = ["AT_ONCE", "TRIES", "check_bursts", "check_slow_burst"]

TRIES = 50
MOST_TRIES = 150
AT_ONCE = 8
VISITORS = 10
TOKEN_SECONDS = 3
"""A burst that outlasts its own new token may refresh it once more, and so shows nothing."""
LONG_SECONDS = 3600


def check_bursts(kind: Kind, start_rig: StartRig) -> None:
    """50 of 50 tries that count: eight times 200 with one and the same new token, one refresh; the session lives on.

    Ten people take turns: while one's token ages, the others have theirs refreshed, so hardly any time is waited.
    """
    with contextlib.ExitStack() as open_browsers:
        site = open_browsers.enter_context(
            rig_site(kind, start_rig, token_seconds=TOKEN_SECONDS, rotate=True, refresh_leeway="0")
        )
        visitors = [open_browsers.enter_context(Visitor()) for _ in range(VISITORS)]
        expiries = {visitor: visitor.visit(site.url).json()["expires_at"] for visitor in visitors}
        assert site.token_requests().count("authorization_code") == VISITORS
        counted = 0
        for number in range(MOST_TRIES):
            visitor = visitors[number % VISITORS]
            wait_until(expiries[visitor])
            expiries[visitor], counts = check_burst(site, visitor, number)
            counted += counts
            if counted == TRIES:
                break
        assert counted == TRIES, "too many bursts outlasted their new tokens"


def check_burst(site: RigSite, visitor: Visitor, number: int) -> tuple[float, bool]:
    """Let one visitor's token be refreshed by eight requests; return when the newest expires, and whether it counts."""
    before = site.token_requests()
    answers = visitor.fetch_at_once(f"{site.url}/burst", AT_ONCE)
    ended_at = time.time()
    refreshes = site.token_requests()[len(before) : -1]  # The last one is our own.
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE, f"try {number}: {answers}"
    told = [answer.json() for answer in answers]
    expiries: set[float] = {seen["expires_at"] for seen in told}
    counts = ended_at < min(expiries)
    if counts:
        assert refreshes == ["refresh_token"], f"try {number}"
        assert len({seen["token"] for seen in told}) == 1, f"try {number}"
    assert set(refreshes) == {"refresh_token"}, f"try {number}"
    return max(expiries), counts


def check_slow_burst(kind: Kind) -> None:
    """With a token endpoint that takes half a second, all eight wait for the one refresh."""
    with (
        fake_site(kind, switches={"access_token_lifetime_seconds": 2}, refresh_leeway="0") as site,
        Visitor() as visitor,
    ):
        first = visitor.visit(site.url).json()
        site.fake.fault("token", Fault.slow(0.5))
        site.fake.switch(access_token_lifetime_seconds=LONG_SECONDS)
        wait_until(first["expires_at"])
        site.fake.forget_records()  # A login that took longer than its token lives was followed by a refresh.
        answers = visitor.fetch_at_once(f"{site.url}/burst", AT_ONCE)
        assert [answer.status_code for answer in answers] == [200] * AT_ONCE
        assert_refreshed_once(site)


def assert_refreshed_once(site: FakeSite) -> None:
    """One refresh was sent, and no refresh token twice."""
    assert (site.fake.refresh_count, set(site.fake.posts_per_refresh_token.values())) == (1, {1})
