"""Logins that follow one another without a session end after three rounds, on a page that names the cause."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import NAVIGATION, Reply, Visited, Visitor

MOST_HOPS = 20
Spoil = Callable[[Visitor], None]


def go_round(visitor: Visitor, spoil: Spoil, target: str = "/albums?a=1") -> tuple[Reply, int]:
    """Follow redirects as a browser does, FotoWeb approving at once; return where it ends and how many logins began.

    Args:
        visitor: Somebody without a session.
        spoil: What keeps the session away: done to the browser's jar after each answer.
        target: Where they want to go.
    """
    logins = 0
    for _ in range(MOST_HOPS):
        reply = visitor.visit(target)
        spoil(visitor)
        if reply.status != 302:
            return reply, logins
        if reply.location.startswith("https://fotoweb.test"):
            logins += 1
            target = visitor.approve(reply.location)
        else:
            target = reply.location
    raise AssertionError("it goes on for ever")


def session_names(visitor: Visitor) -> list[tuple[str, str]]:
    """Return the keys of the session's cookies in a jar."""
    return [key for key in visitor.jar.cookies if "-login-" not in key[0] and not key[0].endswith("-attempts")]


def lose(visitor: Visitor) -> None:
    """Lose the session's cookies."""
    for key in session_names(visitor):
        del visitor.jar.cookies[key]


def garble(visitor: Visitor) -> None:
    """Bring something that no key of this process opens."""
    for key in session_names(visitor):
        visitor.jar.cookies[key] = "c2VhbGVkIGJ5IGFub3RoZXIga2V5"


def tear(visitor: Visitor) -> None:
    """Bring a part of something larger."""
    for name, path in session_names(visitor):
        visitor.jar.cookies[f"{name}.7", path] = visitor.jar.cookies.pop((name, path))


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (lose, "loop_cookie_lost", "FOTOWEB_COOKIE_MODE=reference"),
        (tear, "loop_cookie_torn", "FOTOWEB_COOKIE_NAME"),
        (garble, "loop_other_key", "FOTOWEB_SECRET_KEY"),
    ],
    ids=["lost", "torn", "other key"],
)
def test_loop_ends(visitor: Visitor, spoil: Spoil, code: str, words: str) -> None:
    """Three logins, then a page that names the cause and the variable to change (R-AC17)."""
    reply, logins = go_round(visitor, spoil)

    assert (reply.status, logins) == (400, 3)
    assert code in reply.text
    assert words in reply.text


def two_processes(first: Visited, second: Visited) -> Spoil:
    """Let the second process serve the page that follows each login, and the first one all the rest."""

    def change(person: Visitor) -> None:
        person.site = second if session_names(person) and person.site is first else first

    return change


@pytest.mark.parametrize(("ahead_seconds", "code"), [(40, "loop_clock"), (100, "state_expired")])
def test_clock_that_is_off(open_site: Callable[..., Visited], ahead_seconds: float, code: str) -> None:
    """Where the clocks of two machines differ the page says so, whichever of them notices."""
    site = open_site(session_lifetime=30)
    other = open_site(session_lifetime=30, _fake=site.fake, _clock=site.clock)
    other.wall.wrong_by_seconds = ahead_seconds

    reply, logins = go_round(site.visitor(), two_processes(site, other))

    assert (reply.status, code in reply.text, "clocks of the machines" in reply.text) == (400, True, True)
    assert logins <= 3


def test_session_that_the_store_lost(open_site: Callable[..., Visited]) -> None:
    """In reference mode, where each process has a store of its own, the page names FOTOWEB_CACHE."""
    site = open_site(cookie_mode="reference", cache="memory://")
    other = open_site(cookie_mode="reference", cache="memory://", _fake=site.fake, _clock=site.clock)

    reply, logins = go_round(site.visitor(), two_processes(site, other))

    assert (reply.status, logins) == (400, 3)
    assert "FOTOWEB_CACHE" in reply.text


def test_token_that_is_never_renewed(visitor: Visitor) -> None:
    """Where each session ends as soon as its short token does, the page sends the operator to FotoWeb."""
    visitor.site.fake.switch(access_token_lifetime_seconds=50)
    visitor.site.fake.fault("token", Fault.invalid_grant(), times=None, grant_type="refresh_token")

    def let_expire(person: Visitor) -> None:
        person.site.clock.advance(51 if session_names(person) else 0)

    reply, logins = go_round(visitor, let_expire)

    assert (reply.status, logins) == (400, 3)
    assert "loop_token" in reply.text


def test_next_try_counts_anew(visitor: Visitor) -> None:
    """After the page a person may try again, three times."""
    go_round(visitor, lose)

    reply, logins = go_round(visitor, lose, "/oauth2/login?next=/albums")

    assert (reply.status, logins) == (400, 3)


def test_mended_loop(visitor: Visitor) -> None:
    """Once the cause is gone the next try leads to the app."""
    go_round(visitor, lose)

    reply, logins = go_round(visitor, lambda _person: None, "/oauth2/login?next=/albums")

    assert (reply.status, logins) == (200, 1)


def test_loop_by_the_login_page(visitor: Visitor) -> None:
    """An app of scripts that sends people to PREFIX/login by itself can't go round for ever either."""
    reply = None
    for _ in range(4):
        reply = visitor.visit("/oauth2/login?next=/")
        if reply.status != 302:
            break
        visitor.visit(visitor.approve(reply.location))
        lose(visitor)

    assert reply is not None
    assert reply.status == 400


def test_logout_ends_the_count(visitor: Visitor) -> None:
    """Who logs in and out again and again is not stopped."""
    visitor.log_in()
    visitor.send("POST", "/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})

    assert visitor.jar.cookies == {}


def test_slow_rounds_are_no_loop(visitor: Visitor) -> None:
    """Somebody who signs in by hand every few minutes is not stopped."""
    for _ in range(5):
        visitor.log_in()
        lose(visitor)
        visitor.site.clock.advance(121)

    assert visitor.visit("/").status == 302


def test_app_never_sees_the_count(visitor: Visitor) -> None:
    """The cookie that counts is ours alone."""
    visitor.log_in()

    assert "attempts" not in (visitor.get("/").seen["cookie"] or "")


def test_line_in_the_log(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """One line names the cause, for whoever reads the log and not the page."""
    with caplog.at_level(logging.ERROR, "fotoweb_middleware"):
        go_round(visitor, lose)

    assert [record.message.partition(" cause=")[2].partition(" ")[0] for record in caplog.records] == [
        "loop_cookie_lost"
    ]
