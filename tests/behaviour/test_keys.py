"""Keys and processes: what opens a cookie, and what does not."""

from __future__ import annotations

from collections.abc import Callable

from tests.behaviour.kit import SECRET_KEY, Visited

NEW_KEY = "nW2vXc8bQy5rTzL0kJhGfDsAqPoIuYtReM7x1B3C"


def test_key_rotation(open_site: Callable[..., Visited]) -> None:
    """A session survives a new key put first, is sealed anew at its next refresh, then survives the old key."""
    site = open_site()
    site.fake.switch(access_token_lifetime_seconds=300)
    visitor = site.visitor()
    visitor.log_in()
    if site.settings.cookie_mode == "reference":
        return  # memory:// of another process knows no handle of this one.

    both = open_site(secret_key=f"{NEW_KEY},{SECRET_KEY}", _fake=site.fake, _clock=site.clock)
    visitor.site = both
    assert visitor.get("/").seen["user"] == "alice"
    site.clock.advance(301)
    assert visitor.get("/").status == 200

    visitor.site = open_site(secret_key=NEW_KEY, _fake=site.fake, _clock=site.clock)
    assert visitor.get("/").seen["user"] == "alice"


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

    assert visitor.get("/").status == (200 if site.settings.cookie_mode == "sealed" else 401)


def test_alternating_processes_stay_logged_in(open_site: Callable[..., Visited]) -> None:
    """Two processes that share nothing, FotoWeb without rotation, a hundred alternating requests: one login."""
    first = open_site()
    if first.settings.cookie_mode == "reference":
        return  # Reference mode needs a shared cache.
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
