"""A process that forks again and again while its threads refresh sessions, as preloading servers do."""

from __future__ import annotations

import tempfile
import threading
from functools import partial
from typing import cast

import pytest
from anyio.from_thread import BlockingPortal

from tests.attacks.answers import good
from tests.attacks.in_process import open_site
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.behaviour.kit import Visited, Visitor
from tests.providers.forking import forked, insist, run_trial

FORKS = 200
MOST_SECONDS = 200
"""For a machine on which much else runs; 200 forks take 12 seconds."""


def use(visitor: Visitor) -> None:
    """Fetch, which refreshes the token first, and see that it is the visitor's own."""
    reply = visitor.get("/")
    insist(reply.status == 200)
    insist(reply.seen["token"].startswith(f"at.{visitor.user_name}."))


def spent(site: Visited, fotoweb: ScriptedFotoWeb) -> Visitor:
    """Return somebody who is logged in, and whose tokens are good for one request each; the first has been used."""
    visitor = site.visitor(fotoweb.new_user())
    fotoweb.script(visitor.user_name, good(expires_in=0))
    visitor.log_in()
    use(visitor)
    return visitor


def try_forks_while_a_thread_refreshes() -> None:
    """Fork while a thread refreshes one session; each child refreshes another one, which the parent goes on with."""
    with tempfile.TemporaryDirectory() as folder, ScriptedFotoWeb() as fotoweb:
        site = open_site("wsgi", cast("BlockingPortal", None), fotoweb, cache=f"sqlite:///{folder}/sessions.db")
        busy, *others = [spent(site, fotoweb) for _ in range(1 + FORKS)]
        stop, turns = threading.Event(), [0]

        def refresh() -> None:
            while not stop.is_set():
                use(busy)
                turns[0] += 1

        thread = threading.Thread(target=refresh)
        thread.start()
        for other in others:
            forked(partial(use, other))
        stop.set()
        thread.join()
        for other in others:
            use(other)
        site.close()
        insist(turns[0] > 0, fotoweb.violations == [])
        insist({len(fotoweb.requests_of(other.user_name)) for other in others} == {2})  # The login's and the child's.


@pytest.mark.timeout(MOST_SECONDS + 20)
def test_forks_while_a_thread_refreshes() -> None:
    """Each of 200 children refreshes and is served, with nobody else's token; no refresh token goes twice (T-CX-10)."""
    run_trial(try_forks_while_a_thread_refreshes, timeout_seconds=MOST_SECONDS)
