"""Logouts: nothing is left, nothing comes back, and nothing leads away (security cases T-LO-01, T-LO-04 to T-LO-06)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from tests.attacks.answers import closed, good, reset
from tests.attacks.attacked import APP_HOST, SOME_SERVERS, AttackedServer
from tests.attacks.broken_store import STORE_WORDS, server_with_broken_store
from tests.attacks.browser import NAV, SESSION, Browser
from tests.attacks.in_process import open_site
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.pages_read import check_page, is_own_page
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.targets import HOSTILE_TARGETS, as_written
from tests.behaviour.kit import opened_portal
from tests.servers.serving import SECRET_KEY, Kind

ON_SOME_SERVERS = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)
LOGOUT = "/oauth2/logout"
LOGINS = 5
TOKEN_CHARACTERS = 2600
"""Of random letters: sealed, a session with it takes two cookies."""


def log_out(browser: Browser, target: str = LOGOUT) -> RawReply:
    """Log out with a form of the app's own."""
    return browser.send("POST", target, {**NAV, "Sec-Fetch-Site": "same-origin", "Origin": f"https://{APP_HOST}"})


def own_cookies(browser: Browser) -> dict[str, str]:
    """Return what the jar holds of ours: session, logins, and the count of logins."""
    return {name: value for name, value in browser.jar.snapshot(APP_HOST).items() if name.startswith(SESSION)}


def check_logged_out(reply: RawReply, browser: Browser) -> None:
    """Check the page after a logout, and that no cookie of ours is left."""
    assert reply.status == 200, (reply, reply.text[:300])
    check_page(reply, browser)
    assert ("You are signed out" in reply.text, own_cookies(browser)) == (True, {})


@ON_SOME_SERVERS
def test_everything_goes(browser: Browser) -> None:
    """A logout takes all parts of the session and all logins along; the old cookies bring nothing back (T-LO-01)."""
    token = f"at.{browser.user}.1.{secrets.token_urlsafe(TOKEN_CHARACTERS)[:TOKEN_CHARACTERS]}"
    browser.fotoweb.script(browser.user, good(access_token=token))
    browser.log_in()
    for name in {f"{SESSION}.1", f"{SESSION}.2"} - set(own_cookies(browser)):
        browser.jar.plant(name, "left over", host=APP_HOST)  # More than two parts are never written.
    for _ in range(LOGINS):
        browser.begin("/")
    before = own_cookies(browser)
    parts = {SESSION, f"{SESSION}.1", f"{SESSION}.2"}
    assert set(before) >= parts
    assert sum(name.startswith(f"{SESSION}-login-") for name in before) == LOGINS
    assert browser.xhr("/").status == 200

    check_logged_out(log_out(browser), browser)
    for name, value in before.items():
        browser.jar.plant(name, value, host=APP_HOST)
    assert [browser.xhr("/").status for _ in range(3)] == [401] * 3


@ON_SOME_SERVERS
def test_hostile_next(case: Case) -> None:
    """A logout goes nowhere, whatever ``next`` says: neither its answer nor its page leads away (T-LO-04)."""
    for target in HOSTILE_TARGETS:
        browser = case.browser()
        browser.log_in()
        check_logged_out(log_out(browser, f"{LOGOUT}?next={quote(target, safe='')}"), browser)
        asked = browser.nav(f"{LOGOUT}?next={as_written(target)}", Sec_Fetch_Site="cross-site")
        assert asked.status in {200, 400}, target
        assert [reply.all("Location") + reply.all("Refresh") for reply in browser.replies[-2:]] == [[], []]
        pages = [reply for reply in browser.replies[-2:] if is_own_page(reply)]  # gunicorn's own 400 shows the target.
        assert (len(pages) >= 1, [page for page in pages if "evil.test" in page.text]) == (True, [])


# ------------------------------------------------------------------------------------------ where something is wrong


@ON_SOME_SERVERS
@pytest.mark.parametrize("cookie", [None, "", "garbage", '"', "3~x", "\xff\xfe", "x" * 3000])
def test_without_a_good_cookie(browser: Browser, cookie: str | None) -> None:
    """Without a session, and with a cookie that is none, a logout ends as any other does (T-LO-05)."""
    if cookie is not None:
        browser.jar.plant(SESSION, cookie, host=APP_HOST)
        browser.jar.plant(f"{SESSION}-login-x", cookie, host=APP_HOST)

    check_logged_out(log_out(browser), browser)


@ON_SOME_SERVERS
def test_with_an_expired_cookie(browser: Browser, kind: Kind, expired: Callable[[str], dict[str, str]]) -> None:
    """So it does with the cookie of a session whose lifetime is over (T-LO-05)."""
    for name, value in expired(browser.server.variables["FOTOWEB_COOKIE_MODE"]).items():
        browser.jar.plant(name, value, host=APP_HOST)
    assert browser.xhr("/").status == 401

    check_logged_out(log_out(browser), browser)


@pytest.fixture(scope="module")
def expired(fotoweb: ScriptedFotoWeb) -> Iterator[Callable[[str], dict[str, str]]]:
    """Return a function that logs in thirteen hours ago, at an app with the same keys, and returns the cookies."""
    with opened_portal("asyncio") as portal:

        def log_in(mode: str) -> dict[str, str]:
            site = open_site("wsgi", portal, fotoweb, secret_key=SECRET_KEY, cookie_mode=mode)
            site.wall.wrong_by_seconds = time.time() - site.clock() - 13 * 3600
            visitor = site.visitor(fotoweb.new_user())
            visitor.log_in()
            site.close()
            return {name: value for (name, _), value in visitor.jar.cookies.items()}

        yield log_in


@ON_SOME_SERVERS
@pytest.mark.parametrize("answer", [closed, reset], ids=["closed", "reset"])
def test_while_fotoweb_is_down(member: Browser, answer: Callable[..., None]) -> None:
    """A logout needs no FotoWeb (T-LO-05)."""
    member.fotoweb.script(member.user, answer)

    check_logged_out(log_out(member), member)
    assert member.posts == 1  # The login's.


@pytest.fixture(scope="module")
def serve_with_broken_store(
    fotoweb: ScriptedFotoWeb, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Kind], AttackedServer]]:
    """Return a function that starts a server in sealed mode whose store raises, once."""
    with server_with_broken_store("sealed", fotoweb, tmp_path_factory) as serve:
        yield serve


@ON_SOME_SERVERS
def test_while_the_store_is_down(
    kind: Kind, serve_with_broken_store: Callable[[Kind], AttackedServer], fotoweb: ScriptedFotoWeb
) -> None:
    """A logout that cannot be written down still clears the browser, and holds in this process (T-LO-05)."""
    case = Case(serve_with_broken_store(kind), fotoweb)
    browser = case.browser()
    browser.log_in()
    before = own_cookies(browser)

    shown = log_out(browser)

    check_logged_out(shown, browser)
    assert STORE_WORDS not in shown.text
    for name, value in before.items():
        browser.jar.plant(name, value, host=APP_HOST)
    assert browser.xhr("/").status == 401
    check_oracles(case)


# --------------------------------------------------------------------------------------------------- and afterwards


@ON_SOME_SERVERS
@pytest.mark.parametrize("way", ["form", "link"])
def test_no_login_by_itself(member: Browser, way: str) -> None:
    """Where FotoWeb would approve at once, a logout still ends on a page, and nobody is logged in again (T-LO-06)."""
    shown = log_out(member) if way == "form" else member.nav(LOGOUT, Sec_Fetch_Site="same-origin")

    check_logged_out(shown, member)
    assert (shown.header("Location"), shown.header("Refresh"), member.posts) == (None, None, 1)
    assert member.xhr("/oauth2/session").status == 401
