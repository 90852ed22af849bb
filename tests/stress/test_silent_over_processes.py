"""A FotoWeb that takes requests and never answers, where several processes share a session: both middlewares."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.attacks.answers import silent
from tests.attacks.in_process import open_site
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.behaviour.kit import Visited, Visitor, opened_portal

PROCESSES = 3
DEADLINE_SECONDS = 2


def elsewhere(site: Visited, visitor: Visitor) -> Visitor:
    """Return the same browser, whose next request goes to another process."""
    other = site.visitor(visitor.user_name)
    other.jar.cookies = dict(visitor.jar.cookies)
    return other


@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
def test_nobody_waits_twice(adapter: str, fotoweb: ScriptedFotoWeb, tmp_path: Path) -> None:
    """Who waited for another process's call in vain is answered, and makes no call of its own (T-TE-10)."""
    with opened_portal("asyncio") as portal, ThreadPoolExecutor(PROCESSES) as threads:
        cache = f"sqlite:///{tmp_path}/sessions.db"
        first = open_site(adapter, portal, fotoweb, cache=cache, http_timeout=DEADLINE_SECONDS)
        others = [
            open_site(adapter, portal, fotoweb, first.clock, cache=cache, http_timeout=DEADLINE_SECONDS)
            for _ in range(PROCESSES - 1)
        ]
        visitor = first.visitor(fotoweb.new_user())
        visitor.log_in()
        first.clock.advance(3601)
        fotoweb.script(visitor.user_name, silent)

        everywhere = [visitor, *(elsewhere(site, visitor) for site in others)]
        answers = list(threads.map(lambda browser: browser.get("/"), everywhere))
        for site in (first, *others):
            site.close()

    assert [answer.status for answer in answers] == [503] * PROCESSES
    assert len(fotoweb.requests_of(visitor.user_name)) == 2  # The login's, and one refresh.
