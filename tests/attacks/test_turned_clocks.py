"""Sessions, logins and outages of hours, on real servers: a clock that tests turn, shared by all of them."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator

import anyio.from_thread
import pytest

from tests.attacks.answers import Answer, good, reply
from tests.attacks.attacked import APP_HOST, SOME_SERVERS
from tests.attacks.browser import SESSION, Browser
from tests.attacks.in_process import open_site
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.turned_servers import (
    HOUR,
    IDLE_HOURS,
    LIFETIME_HOURS,
    NEW_KEY,
    Serve,
    ask_at_once,
    check_unknown,
    move,
    refreshes,
    turned_servers,
    wait_for_a_refresh,
)
from tests.behaviour.kit import Visited
from tests.servers.serving import HYPERCORN, SECRET_KEY, UVICORN_H11, Kind
from tests.servers.turned_clock import TurnedClock

pytestmark = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)

TEN_YEARS = 10 * 365 * 24 * HOUR
OUTAGE_SECONDS, REQUESTS_PER_SECOND = 60, 5
ALTERNATIONS = 100


@pytest.fixture(scope="module")
def turned(fotoweb: ScriptedFotoWeb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TurnedClock, Serve]]:
    """Return the clock of all servers here, and a function that starts one, once."""
    with turned_servers(fotoweb, tmp_path_factory) as running:
        yield running


@pytest.fixture
def clock(turned: tuple[TurnedClock, Serve]) -> Iterator[TurnedClock]:
    """Return the clock; it is right again afterwards."""
    yield turned[0]
    turned[0].set_wrong(0)


@pytest.fixture
def case(kind: Kind, turned: tuple[TurnedClock, Serve], fotoweb: ScriptedFotoWeb) -> Iterator[Case]:
    """Return a case on the server that the test is about; the oracles are held against it at the end."""
    opened = Case(turned[1](kind), fotoweb)
    yield opened
    check_oracles(opened)


@pytest.fixture
def elsewhere(kind: Kind, turned: tuple[TurnedClock, Serve], fotoweb: ScriptedFotoWeb) -> Iterator[Case]:
    """Return a case on another process that shares nothing with the first one but clock and keys."""
    opened = Case(turned[1](UVICORN_H11 if kind is HYPERCORN else HYPERCORN), fotoweb)
    yield opened
    check_oracles(opened)


# ---------------------------------------------------------------------------------------------------- logins, sessions


def test_login_that_took_too_long(case: Case, clock: TurnedClock) -> None:
    """Ten minutes after it began a login cannot be finished, whatever cookie was kept; after five it can (T-AC-16)."""
    quick, slow = case.browser(), case.browser()
    callbacks = [each.approve(each.begin("/later")) for each in (quick, slow)]
    kept = slow.jar.snapshot(APP_HOST)

    clock.advance(300)
    assert quick.come_back(callbacks[0]).location == "/later"
    clock.advance(300)
    refused = slow.come_back(callbacks[1])

    assert (refused.status, refused.all("Set-Cookie"), refused.all("Location"), slow.posts) == (400, [], [], 0)
    assert slow.jar.snapshot(APP_HOST) == kept


def test_replay_after_idling(case: Case, member: Browser, clock: TurnedClock) -> None:
    """A cookie that nobody used for the idle time is none, though the browser kept it (T-CS-10)."""
    cookies = {member.session_cookies[SESSION]}
    for _ in range(3):
        clock.advance(IDLE_HOURS * HOUR / 2)
        assert member.xhr("/").is_from_app
        cookies.add(member.session_cookies[SESSION])
    clock.advance(IDLE_HOURS * HOUR)

    check_unknown(case, *cookies)


def test_replay_after_the_lifetime(case: Case, elsewhere: Case, member: Browser, clock: TurnedClock) -> None:
    """Use and refreshes prolong no session: after its lifetime no cookie of it opens, in any process (T-CS-10)."""
    cookies = {member.session_cookies[SESSION]}
    for _ in range(LIFETIME_HOURS - 1):
        clock.advance(HOUR)
        assert member.xhr("/").is_from_app
        cookies.add(member.session_cookies[SESSION])
    move(member, elsewhere)
    assert member.xhr("/").is_from_app
    clock.advance(HOUR)

    check_unknown(case, *cookies)
    check_unknown(elsewhere, *cookies)
    assert refreshes(member) >= LIFETIME_HOURS - 2


# ------------------------------------------------------------------------------------------------------------- outages


@pytest.mark.parametrize(
    "answer",
    [reply(503), reply(429, Retry_After="7"), reply(200, "<title>Sorry</title>", "text/html")],
    ids=["503", "429", "page"],
)
def test_failed_refresh_of_a_valid_token(member: Browser, clock: TurnedClock, answer: Answer) -> None:
    """While the token is valid a failing refresh is not seen: the old token serves, no cookie is taken away (T-TE-16).

    The session's cookie may be set again, since sessions end by idling here.
    """
    old = member.xhr("/").seen["token"]
    member.fotoweb.script(member.user, answer)
    clock.advance(HOUR - 30)

    replies = [member.xhr("/")]
    wait_for_a_refresh(member)
    replies += [member.xhr("/") for _ in range(2)]

    assert [each.seen["token"] for each in replies] == [old] * 3
    assert [value for each in replies for value in each.all("Set-Cookie") if "Max-Age=0" in value] == []
    assert (SESSION in member.session_cookies, refreshes(member)) == (True, 1)


def test_outage_of_a_minute(member: Browser, clock: TurnedClock) -> None:
    """Five requests a second on one session, for a minute of 503s: at most 15 token requests (T-TE-23)."""
    member.fotoweb.script(member.user, reply(503))
    clock.advance(HOUR + 1)

    for _ in range(OUTAGE_SECONDS * REQUESTS_PER_SECOND):
        assert member.xhr("/").status == 503
        clock.advance(1 / REQUESTS_PER_SECOND)

    assert 1 <= refreshes(member) <= 15
    member.fotoweb.heal(member.user)
    clock.advance(10)
    assert member.xhr("/").is_from_app


# ---------------------------------------------------------------------------------------------------- clocks that jump


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["forward", "back"])
def test_jump(member: Browser, clock: TurnedClock, seconds: float) -> None:
    """Forward or back, and right again later: the same session goes on, with one refresh for each jump (T-CX-15).

    Shows R-TE21.
    """
    for number, wrong_by in enumerate((seconds, 0), 1):
        clock.set_wrong(wrong_by)
        replies = ask_at_once(member)
        assert ({each.status for each in replies}, refreshes(member)) == ({200}, number)
        assert member.xhr("/").seen["token"] == replies[0].seen["token"]
        clock.advance(20)


def test_jump_of_ten_years(member: Browser, clock: TurnedClock) -> None:
    """Ten years ahead no session is alive, and none is refreshed; back again one login serves everybody (T-CX-15)."""
    clock.set_wrong(TEN_YEARS)
    assert {each.status for each in ask_at_once(member)} == {401}
    clock.set_wrong(0)
    if not member.xhr("/").is_from_app:
        member.log_in()

    assert {each.status for each in ask_at_once(member)} == {200}
    assert refreshes(member) == 0


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "back"])
def test_lifetime_ends_after_a_jump(member: Browser, clock: TurnedClock, hours: int) -> None:
    """A session that lived through a jump ends at its time all the same, by the clock as it then is (T-CX-15)."""
    clock.set_wrong(hours * HOUR)
    assert member.xhr("/").is_from_app
    for _ in range(LIFETIME_HOURS - hours - 1):
        clock.advance(HOUR)
        assert member.xhr("/").is_from_app
    clock.advance(HOUR)

    assert {each.status for each in ask_at_once(member)} == {401}


# -------------------------------------------------------------------------------------------------- keys and processes


def test_processes_in_turn(case: Case, elsewhere: Case, browser: Browser, clock: TurnedClock) -> None:
    """Two processes that share nothing, no rotation, a hundred requests in turn: one login (T-CX-16).

    Each finds an expired token: two that share nothing cannot know of a refresh after the other's answer, and the next
    request comes at once here, whatever the clock says.
    """
    browser.fotoweb.script(browser.user, good(expires_in=60))
    browser.log_in()
    browser.fotoweb.script(browser.user, good(expires_in=60, refresh_token=...))

    for number in range(ALTERNATIONS):
        clock.advance(61)
        move(browser, (case, elsewhere)[number % 2])
        assert browser.xhr("/").is_from_app

    assert (browser.posts - refreshes(browser), refreshes(browser)) == (1, ALTERNATIONS)


@pytest.fixture
def open_at(
    portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb, clock: TurnedClock
) -> Iterator[Callable[[str], Visited]]:
    """Return a function that opens a site in this process with other keys, at the time that the clock shows."""
    with contextlib.ExitStack() as stack:

        def opened(keys: str) -> Visited:
            site = open_site("wsgi", portal, fotoweb, secret_key=keys, cookie_mode="sealed")
            site.wall.wrong_by_seconds = clock.wall() - site.clock()
            stack.callback(site.close)
            return site

        yield opened


def log_in_at(site: Visited, browser: Browser) -> str:
    """Log somebody in at such a site, hand the browser the cookie, and return it."""
    visitor = site.visitor(browser.user)
    visitor.log_in()
    value = visitor.jar.cookies[SESSION, "/"]
    browser.jar.plant(SESSION, value, host=APP_HOST)
    return value


def status_at(site: Visited, value: str) -> int:
    """Fetch with a cookie at such a site, and return the status."""
    visitor = site.visitor()
    visitor.jar.cookies = {(SESSION, "/"): value}
    return visitor.get("/").status


def test_key_rotation(browser: Browser, clock: TurnedClock, open_at: Callable[[str], Visited]) -> None:
    """A session outlives a new key put first, is sealed again at a refresh, and so outlives the old key (T-CS-11)."""
    old = log_in_at(open_at(SECRET_KEY), browser)
    assert browser.xhr("/").is_from_app
    clock.advance(HOUR + 1)
    assert browser.xhr("/").is_from_app

    new = browser.session_cookies[SESSION]
    alone = open_at(NEW_KEY)
    assert (refreshes(browser), browser.posts) == (1, 2)
    assert [status_at(alone, value) for value in (new, old, "garbage")] == [200, 401, 401]


def test_removed_key(case: Case, browser: Browser, open_at: Callable[[str], Visited]) -> None:
    """A cookie under a key that is gone gets what garbage gets, and one login mends it (T-CS-11)."""
    old = log_in_at(open_at(secrets.token_urlsafe(32)), browser)

    check_unknown(case, old)
    assert browser.xhr("/").status == 401
    browser.log_in()

    assert [browser.xhr("/").status for _ in range(3)] == [200] * 3
    assert (browser.session_cookies[SESSION] != old, browser.posts) == (True, 2)  # One login at each.
