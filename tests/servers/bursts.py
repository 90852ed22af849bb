"""Eight requests at once on an expired token, again and again, against an authorization server that rotates."""

from __future__ import annotations

from tests.providers.oidc_provider import StartRig
from tests.servers.serving import Kind
from tests.servers.sites import TOKEN_SECONDS, rig_site
from tests.servers.visitor import Visitor

__all__ = ["check_bursts"]

TRIES = 10
AT_ONCE = 8


def check_bursts(kind: Kind, start_rig: StartRig, visitor: Visitor) -> None:
    """Ten tries: eight times 200 with one and the same new token, one refresh; the session lives on."""
    with rig_site(kind, start_rig) as site:
        visitor.visit(site.url)
        for number in range(TRIES):
            before = site.token_requests()
            site.clock.advance(TOKEN_SECONDS + 1)
            answers = visitor.fetch_at_once(f"{site.url}/burst", AT_ONCE)
            assert [answer.status_code for answer in answers] == [200] * AT_ONCE, f"try {number}: {answers}"
            assert len({answer.json()["token"] for answer in answers}) == 1, f"try {number}"
            assert site.token_requests()[len(before) : -1] == ["refresh_token"], f"try {number}"
