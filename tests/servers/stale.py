"""A request on a stale token, answered while FotoWeb keeps its refresh waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from fotoweb_middleware.testing import Fault
from tests.servers.serving import Kind
from tests.servers.sites import TOKEN_SECONDS, FakeSite, fake_site
from tests.servers.visitor import Visitor

__all__ = ["StaleSite", "stale_site"]

STALE_SECONDS = TOKEN_SECONDS - 30
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class StaleSite:
    """An app at a simulator.

    Attributes:
        site: Both of them.
        may_answer: Whether FotoWeb answers; else it waits with that.
        is_asked: Whether a refresh waits.
    """

    site: FakeSite
    may_answer: threading.Event
    is_asked: threading.Event

    def fetch_while_stale(
        self, visitor: Visitor, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[str, httpx.Response]:
        """Fetch something on a stale token; return that token and the answer, which waited for no refresh."""
        site = self.site
        first = str(visitor.visit(site.url).json()["token"])
        site.clock.advance(STALE_SECONDS)
        site.fake.forget_records()
        site.fake.fault("token", Fault.slow(1), times=1)
        answer = visitor.fetch(f"{site.url}{path}", headers=headers)
        assert (answer.status_code, site.fake.refresh_count) == (200, 0)
        return first, answer

    def wait_for_refresh(self) -> None:
        """Wait until FotoWeb has been asked."""
        assert self.is_asked.wait(PATIENCE_SECONDS), "no refresh came"


@contextmanager
def stale_site(kind: Kind, **variables: Any) -> Iterator[StaleSite]:
    """Start an app server and a simulator for it, which waits with its answers to slow requests until it may answer.

    Args:
        kind: Which server.
        variables: More ``FOTOWEB_*`` variables, lower case and without the prefix.
    """
    may_answer, is_asked = threading.Event(), threading.Event()

    def pause(_seconds: float) -> None:
        is_asked.set()
        may_answer.wait(PATIENCE_SECONDS)

    with fake_site(kind, pause=pause, **variables) as site:
        try:
            yield StaleSite(site, may_answer, is_asked)
        finally:
            may_answer.set()
