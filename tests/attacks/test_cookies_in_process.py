"""Cookies that outlive their session or their key (T-CS-10, T-CS-11): in this process, a clock to turn."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest

from fotoweb_middleware.testing import FakeClock
from tests.attacks.in_process import open_site
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.watched_site import watched_case
from tests.behaviour.adapters import Reply
from tests.behaviour.kit import Visited, Visitor

pytestmark = [
    pytest.mark.parametrize("adapter", ["asgi", "wsgi"]),
    pytest.mark.parametrize("mode", ["sealed", "reference"]),
]

NAME = "__Host-fotoweb"
IDLE_SECONDS, LIFETIME_SECONDS, TOKEN_SECONDS = 600, 7200, 3600
OLD_KEY, NEW_KEY = secrets.token_urlsafe(32), secrets.token_urlsafe(32)

Open = Callable[..., Visited]


@pytest.fixture
def open_at(
    adapter: str, mode: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb, tmp_path: Path
) -> Iterator[Open]:
    """Return a function that opens sites with one clock and one store; the oracles are held against all of them."""
    clock = FakeClock()
    with watched_case(fotoweb) as case, contextlib.ExitStack() as stack:

        def opened(**changes: Any) -> Visited:
            cache = f"sqlite:///{tmp_path}/sessions.db"
            site = open_site(adapter, portal, fotoweb, clock, case=case, cookie_mode=mode, cache=cache, **changes)
            stack.callback(site.close)
            return site

        yield opened


def kept_cookie(visitor: Visitor) -> str:
    """Return the session cookie that a browser holds now."""
    return visitor.jar.cookies[NAME, "/"]


def check_unknown(site: Visited, *values: str) -> None:
    """Check that these cookies get what garbage gets: 401, a login for a navigation, and the app is not called."""
    calls = site.app.calls
    replies: list[Reply] = []
    for value in ("garbage", *values):
        stranger = site.visitor()
        stranger.jar.cookies = {(NAME, "/"): value}
        replies.append(stranger.get("/"))
        assert stranger.visit("/").location.startswith(site.settings.url)
    assert (replies[0].status, set(replies), site.app.calls) == (401, {replies[0]}, calls)


def test_replay_after_idling(open_at: Open, fotoweb: ScriptedFotoWeb) -> None:
    """A cookie that nobody used for the idle time is none, though the browser kept it (T-CS-10)."""
    site = open_at(session_idle=IDLE_SECONDS)
    visitor = site.visitor(fotoweb.new_user())
    visitor.log_in()
    first = kept_cookie(visitor)
    for _ in range(3):
        site.clock.advance(IDLE_SECONDS / 2)
        assert visitor.get("/").status == 200
    site.clock.advance(IDLE_SECONDS + 1)

    check_unknown(site, first, kept_cookie(visitor))


def test_replay_after_the_lifetime(open_at: Open, fotoweb: ScriptedFotoWeb) -> None:
    """Use and refreshes prolong no session: after its lifetime no cookie of it opens (T-CS-10)."""
    site = open_at(session_idle=IDLE_SECONDS, session_lifetime=LIFETIME_SECONDS)
    visitor = site.visitor(fotoweb.new_user())
    visitor.log_in()
    cookies = {kept_cookie(visitor)}
    for _ in range(23):
        site.clock.advance(LIFETIME_SECONDS / 24)
        assert visitor.get("/").status == 200
        cookies.add(kept_cookie(visitor))
    site.clock.advance(LIFETIME_SECONDS / 24)

    check_unknown(site, *cookies)
    assert len(fotoweb.requests_of(visitor.user_name)) >= 2


def test_replay_in_another_process(open_at: Open, fotoweb: ScriptedFotoWeb) -> None:
    """A process that never saw the session ends it at the same time: the limits lie in the seal (T-CS-10)."""
    site = open_at(session_lifetime=LIFETIME_SECONDS)
    visitor = site.visitor(fotoweb.new_user())
    visitor.log_in()
    site.clock.advance(LIFETIME_SECONDS)

    check_unknown(open_at(session_lifetime=LIFETIME_SECONDS), kept_cookie(visitor))


def test_key_rotation(open_at: Open, fotoweb: ScriptedFotoWeb) -> None:
    """A session survives a new key put first, is sealed again at a refresh, and so survives the old key (T-CS-11)."""
    site = open_at(secret_key=OLD_KEY)
    visitor = site.visitor(fotoweb.new_user())
    visitor.log_in()
    old = kept_cookie(visitor)

    visitor.site = open_at(secret_key=f"{NEW_KEY},{OLD_KEY}")
    assert visitor.get("/").status == 200
    site.clock.advance(TOKEN_SECONDS + 1)
    assert visitor.get("/").status == 200

    assert kept_cookie(visitor) != old
    visitor.site = alone = open_at(secret_key=NEW_KEY)
    assert visitor.get("/").seen["token"].startswith(f"at.{visitor.user_name}.")
    assert len(fotoweb.requests_of(visitor.user_name)) == 2  # The login's and the refresh's.
    check_unknown(alone, old)


def test_removed_key(open_at: Open, fotoweb: ScriptedFotoWeb) -> None:
    """A cookie under a key that is gone gets what garbage gets, and one login mends it (T-CS-11)."""
    visitor = open_at(secret_key=OLD_KEY).visitor(fotoweb.new_user())
    visitor.log_in()
    old = kept_cookie(visitor)
    visitor.site = site = open_at(secret_key=NEW_KEY)

    check_unknown(site, old)
    visitor.log_in()

    assert kept_cookie(visitor) != old
    assert [visitor.get("/").status for _ in range(3)] == [200] * 3
    assert len(fotoweb.requests_of(visitor.user_name)) == 2  # One for each login.
