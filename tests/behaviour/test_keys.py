"""Keys and processes: what opens a cookie, and what does not."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.behaviour.kit import NAVIGATION, SECRET_KEY, Visited
from tools.code_blocks import HOW_TO

NEW_KEY = "nW2vXc8bQy5rTzL0kJhGfDsAqPoIuYtReM7x1B3C"


KEYS_IN_TURN = (f"{SECRET_KEY},{NEW_KEY}", f"{NEW_KEY},{SECRET_KEY}")
"""The first two steps of docs/how-to/key-rotation.md, for processes that are restarted one by one."""


def forgets_elsewhere(site: Visited) -> bool:
    """Return whether only the cookie could carry a session to another process, and does not: a handle of memory://."""
    return site.settings.cookie_mode == "reference" and site.settings.cache == "memory://"


def test_key_rotation(open_site: Callable[..., Visited]) -> None:
    """A session survives a new key put first, is sealed again at its next refresh, then survives the old key."""
    site = open_site()
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor = site.visitor()
    visitor.log_in()
    if forgets_elsewhere(site):
        return

    both = open_site(secret_key=f"{NEW_KEY},{SECRET_KEY}", _fake=site.fake, _clock=site.clock)
    visitor.site = both
    assert visitor.get("/").seen["user"] == "alice"
    site.clock.advance(301)
    assert visitor.get("/").status == 200

    visitor.site = open_site(secret_key=NEW_KEY, _fake=site.fake, _clock=site.clock)
    assert visitor.get("/").seen["user"] == "alice"


def test_logout_outlives_a_new_key(open_site: Callable[..., Visited]) -> None:
    """Who logged out before a key was added or put first stays logged out, wherever processes share a store."""
    site = open_site()
    visitor = site.visitor()
    visitor.log_in()
    copied = dict(visitor.jar.cookies)
    visitor.send("POST", "/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})
    if site.settings.cache == "memory://":
        return  # No other process learns of a logout.

    for keys in KEYS_IN_TURN:
        thief = open_site(secret_key=keys, _fake=site.fake, _clock=site.clock).visitor()
        thief.jar.cookies = dict(copied)
        assert thief.get("/").status == 401


def test_keys_added_to_one_process_after_the_other(open_site: Callable[..., Visited]) -> None:
    """While processes restart one by one, a refresh of either is the other's too: the old token is not sent again."""
    site = open_site()
    if site.settings.cache == "memory://":
        return  # Nothing is shared.
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor = site.visitor()
    visitor.log_in()
    before = dict(visitor.jar.cookies)
    site.clock.advance(301)
    assert visitor.get("/").status == 200

    for keys in KEYS_IN_TURN:
        visitor.site = open_site(secret_key=keys, _fake=site.fake, _clock=site.clock)
        visitor.jar.cookies = dict(before)
        assert visitor.get("/").status == 200
    assert site.refreshes == 1


def test_rolling_deploys(open_site: Callable[..., Visited]) -> None:
    """Three replicas that get each step's keys one by one never lose a session, whichever of them answers."""
    page = (HOW_TO / "key-rotation.md").read_text(encoding="utf-8").partition("## A rolling deploy")[2]
    steps = re.findall(r"^\d\. .*`FOTOWEB_SECRET_KEY=(OLD|NEW|OLD,NEW|NEW,OLD)` on all", page, re.MULTILINE)
    assert steps == ["OLD,NEW", "NEW,OLD", "NEW"]
    first = open_site()
    if first.settings.cache == "memory://":
        return  # Nothing is shared.
    first.fake.switch(access_token_lifetime_seconds=300)
    replicas = [first, *(open_site(_fake=first.fake, _clock=first.clock) for _ in range(2))]
    visitor = first.visitor()
    visitor.log_in()

    for step in steps:
        keys = step.replace("OLD", SECRET_KEY).replace("NEW", NEW_KEY)
        for number in range(3):
            replicas[number] = open_site(secret_key=keys, _fake=first.fake, _clock=first.clock)
            for replica in replicas:
                first.clock.advance(150)  # Every other request refreshes the token.
                visitor.site = replica
                assert visitor.get("/").status == 200


def test_removed_key_is_one_clean_login(open_site: Callable[..., Visited]) -> None:
    """A cookie under a key that was removed is like none."""
    site = open_site()
    visitor = site.visitor()
    visitor.log_in()
    visitor.site = open_site(secret_key=NEW_KEY, _fake=site.fake, _clock=site.clock)

    assert visitor.get("/").status == 401
    visitor.log_in()
    assert visitor.get("/").seen["user"] == "alice"


def test_a_restart_keeps_sealed_sessions(open_site: Callable[..., Visited]) -> None:
    """In sealed mode another process with the same key goes on from the cookie; reference sessions die with memory://."""
    site = open_site()
    visitor = site.visitor()
    visitor.log_in()
    visitor.site = open_site(_fake=site.fake, _clock=site.clock)

    survives = site.settings.cookie_mode == "sealed" or site.settings.cache != "memory://"
    assert visitor.get("/").status == (200 if survives else 401)


def test_alternating_processes_stay_logged_in(open_site: Callable[..., Visited]) -> None:
    """Two processes that share nothing, no rotation, a hundred alternating requests: one login (T-CX-16)."""
    first = open_site()
    if first.settings.cookie_mode == "reference":
        return  # Reference mode needs a shared store.
    first.fake.switch(access_token_lifetime_seconds=60, rotate_every=0)
    second = open_site(_fake=first.fake, _clock=first.clock)
    visitor = first.visitor()
    visitor.log_in()
    for number in range(100):
        first.clock.advance(7)
        visitor.site = (first, second)[number % 2]
        assert visitor.get("/").status == 200


def test_cookie_of_another_site_or_client(open_site: Callable[..., Visited]) -> None:
    """A cookie sealed for another client or cookie name does not open, though the key is the same."""
    site = open_site()
    visitor = site.visitor()
    visitor.log_in()
    value = visitor.jar.cookies["__Host-fotoweb", "/"]
    for changes in ({"client_id": "other"}, {"url": "https://other.test"}, {"cookie_name": "other"}):
        other = open_site(**changes, _fake=site.fake, _clock=site.clock)
        stranger = other.visitor()
        stranger.jar.cookies = {(f"__Host-{changes.get('cookie_name', 'fotoweb')}", "/"): value}
        assert stranger.get("/").status == 401
