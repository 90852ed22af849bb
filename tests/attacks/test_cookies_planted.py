"""A session cookie that somebody else planted (T-CS-09)."""

from __future__ import annotations

import pytest

from tests.attacks.attacked import APP_HOST, EVERY_SERVER
from tests.attacks.browser import SESSION, XHR, Browser
from tests.attacks.oracles import Case
from tests.servers.cookie_jar import CookieJar

pytestmark = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)


def plant(victim: Browser, attacker: Browser) -> None:
    """Put the attacker's session into the victim's jar, as a neighbouring host could."""
    for name, value in attacker.session_cookies.items():
        victim.jar.plant(name, value, host=APP_HOST)


def test_login_over_a_planted_session(case: Case) -> None:
    """A login opens a session of its own, and the planted one never shows the victim's user (T-CS-09)."""
    attacker, victim = case.browser(), case.browser()
    attacker.log_in()
    plant(victim, attacker)
    planted = victim.session_cookies[SESSION]

    victim.log_in()

    assert victim.session_cookies[SESSION] != planted
    assert victim.xhr("/").seen["session_token"].startswith(f"at.{victim.user}.")
    # Whose session it was holds it no longer either: the login ended what the browser showed (R-AC16).
    assert attacker.session_cookies[SESSION] == planted
    assert attacker.xhr("/").status == 401


@pytest.mark.parametrize("order", ["planted one first", "own one first"])
def test_session_planted_beside_the_own_one(case: Case, order: str) -> None:
    """Two sessions in one request are none, whichever comes first: the app sees neither user (T-CS-09)."""
    attacker, victim, nobody = case.browser(), case.browser(), case.browser()
    attacker.log_in()
    victim.log_in()
    people = (attacker, victim) if order == "planted one first" else (victim, attacker)
    cookie = "; ".join(f"{SESSION}={browser.session_cookies[SESSION]}" for browser in people)

    reply = nobody.send("GET", "/", {**XHR, "Cookie": cookie})

    assert reply.status == 401
    assert (victim.xhr("/").is_from_app, attacker.xhr("/").is_from_app) == (True, True)


def test_session_planted_during_the_login(case: Case) -> None:
    """A session planted while the victim is at FotoWeb is not the one that the login opens (T-CS-09)."""
    attacker, victim = case.browser(), case.browser()
    attacker.log_in()
    authorize = victim.begin("/mine")
    plant(victim, attacker)

    assert victim.come_back(victim.approve(authorize)).location == "/mine"
    assert victim.xhr("/").seen["session_token"].startswith(f"at.{victim.user}.")
    assert attacker.xhr("/").status == 401


@pytest.mark.parametrize("is_logged_in", [False, True], ids=["nobody", "somebody"])
def test_a_neighbours_cookie_that_ends_like_a_session(case: Case, is_logged_in: bool) -> None:
    """A cookie by another name is no session, however it ends and however long the header is (T-CS-09).

    The attacker may choose that length: a session that is known by its signature comes again with letters before it.
    """
    attacker, victim = case.browser(), case.browser()
    attacker.log_in()
    assert attacker.xhr("/").is_from_app
    value = attacker.session_cookies[SESSION]
    own = ""
    if is_logged_in:
        victim.log_in()
        own = f"{SESSION}={victim.session_cookies[SESSION]}; "
    attacker.jar, victim.jar = CookieJar(), CookieJar()  # What each sends is written out below.
    planted = f"{own}theme={'x' * 20}{value}"
    as_long = f"{SESSION}={'x' * (len(planted) - len(SESSION) - 1 - len(value))}{value}"
    assert len(as_long) == len(planted)
    for _ in range(2):
        attacker.send("GET", "/", {**XHR, "Cookie": as_long})

    reply = victim.send("GET", "/", {**XHR, "Cookie": planted})

    if is_logged_in:
        assert reply.seen["session_token"].startswith(f"at.{victim.user}.")
    else:
        assert reply.status == 401


RESEMBLING = {
    "a signature": "{signature}",
    "a signature without a name": "={signature}",
    "a signature by another name": "x={signature}",
    "a signature by our name": "{name}={signature}",
    "the name without its prefix": "{plain}={value}",
    "the first of two parts": "{name}=2~{value}",
    "a part of something else": "{name}=x~{value}",
    "a part beside a cookie of the app": "a=1; {name}=2~{value}",
    "a letter more": "{name}={value}x",
    "glued": "a=1,{name}={value}",
}


@pytest.mark.parametrize("shape", RESEMBLING.values(), ids=RESEMBLING)
def test_what_resembles_a_known_session(case: Case, shape: str) -> None:
    """Nothing but the cookie itself passes for a session that is known, whole or by its signature (T-CS-09)."""
    member, nobody = case.browser(), case.browser()
    member.log_in()
    value = member.session_cookies[SESSION]
    assert [member.xhr("/").status for _ in range(2)] == [200, 200]
    cookie = shape.format(name=SESSION, plain=SESSION.removeprefix("__Host-"), value=value, signature=value[-43:])

    assert nobody.send("GET", "/", {**XHR, "Cookie": cookie}).status == 401
