"""A request on a stale token, answered while FotoWeb keeps its refresh waiting.

A stale token is valid for as long again as it took to become stale. A machine that stands still for longer makes the
request one on an expired token, which has to wait for the refresh: such a try shows nothing, and is made again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from fotoweb_middleware.testing import Fault
from tests.servers.serving import Kind
from tests.servers.sites import FakeSite, fake_site, wait_until
from tests.servers.visitor import Visitor

__all__ = ["StaleSite", "stale_site"]

TOKEN_SECONDS = 4
LONG_SECONDS = 3600
MOST_TRIES = 7
PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class StaleSite:
    """An app at a simulator whose tokens are stale after half their life.

    Attributes:
        site: Both of them.
        may_answer: Whether FotoWeb answers; else it waits with that for a whole life of a token.
    """

    site: FakeSite
    may_answer: threading.Event

    def fetch_while_stale(
        self, visitor: Visitor, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[str, httpx.Response]:
        """Fetch something on a stale token; return that token and the answer, which came while it was valid.

        FotoWeb has no refresh answered by then, and its next token lives long.

        Raises:
            AssertionError: The answer never came in time.
        """
        site = self.site
        for _ in range(MOST_TRIES):
            first = self._visit_while_fresh(visitor)
            wait_until(first["expires_at"] - TOKEN_SECONDS / 2)
            site.fake.forget_records()
            self.may_answer.clear()
            site.fake.fault("token", Fault.slow(TOKEN_SECONDS), times=1)
            answer = visitor.fetch(f"{site.url}{path}", headers=headers)
            if time.time() < first["expires_at"]:
                assert (answer.status_code, site.fake.refresh_count) == (200, 0)
                site.fake.switch(access_token_lifetime_seconds=LONG_SECONDS)
                return str(first["token"]), answer
            self.may_answer.set()
        raise AssertionError(f"{MOST_TRIES} answers came only after the token had expired")

    def _visit_while_fresh(self, visitor: Visitor) -> dict[str, Any]:
        """Return what the app told of a fresh token: no refresh is due or under way."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            told: dict[str, Any] = visitor.visit(self.site.url).json()
            if time.time() < told["expires_at"] - TOKEN_SECONDS / 2:
                return told
            assert time.monotonic() < ends_at, "the token is always stale"
            time.sleep(0.1)

    def wait_for_refresh(self) -> None:
        """Wait until FotoWeb has been asked."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while self.site.fake._faults._entries:
            assert time.monotonic() < ends_at, "no refresh came"
            time.sleep(0.005)


@contextmanager
def stale_site(kind: Kind, **variables: str) -> Iterator[StaleSite]:
    """Start an app server and a simulator for it.

    Args:
        kind: Which server.
        variables: More ``FOTOWEB_*`` variables, lower case and without the prefix.
    """
    may_answer = threading.Event()
    switches = {"access_token_lifetime_seconds": TOKEN_SECONDS}
    with fake_site(kind, switches=switches, pause=may_answer.wait, refresh_leeway="60", **variables) as site:
        try:
            yield StaleSite(site, may_answer)
        finally:
            may_answer.set()
