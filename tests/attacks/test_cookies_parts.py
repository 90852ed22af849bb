"""A session cookie in parts that were dropped, swapped, mixed or made up, on every server (T-CS-07)."""

from __future__ import annotations

import pytest

from tests.attacks.answers import good
from tests.attacks.attacked import BUSY_FACTOR, EVERY_SERVER, IN_REFERENCE_MODE
from tests.attacks.browser import SESSION, XHR, Browser
from tests.attacks.oracles import Case
from tests.attacks.raw_client import RawReply

pytestmark = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)

MOST_SECONDS = 0.05 * BUSY_FACTOR
TRIES = 10
"""On a machine that others use too, only the quickest of some tries tells what an answer takes."""

LONG = "long" * 900
FIRST, SECOND, THIRD = SESSION, f"{SESSION}.1", f"{SESSION}.2"


@pytest.fixture
def owner(case: Case) -> Browser:
    """Return somebody with a session of two parts."""
    return with_long_token(case)


def with_long_token(case: Case) -> Browser:
    """Return somebody who is logged in, and whose token is too long for one sealed cookie."""
    browser = case.browser()
    case.fotoweb.script(browser.user, good(access_token=f"at.{browser.user}.{LONG}"))
    browser.log_in()
    return browser


def parts_of(browser: Browser) -> tuple[str, str]:
    """Return the two parts of a session; a handle, which needs no second part, is cut as if it did."""
    cookies = browser.session_cookies
    if SECOND in cookies:
        return cookies[FIRST], cookies[SECOND]
    value = cookies[FIRST]
    return f"2~{value[:80]}", value[80:]


def in_hands_of(case: Case, owner: Browser) -> Browser:
    """Return a browser with an empty jar in which the owner's session may show up."""
    browser = case.browser()
    browser.user = owner.user
    return browser


def shown(browser: Browser, cookies: dict[str, str]) -> RawReply:
    """Fetch with these cookies; of some tries the first that is quick enough, else the last."""
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers, tries = {**XHR, "Cookie": cookie}, 1
    reply = browser.send("GET", "/", headers)
    while reply.took_seconds >= MOST_SECONDS and tries < TRIES:
        reply, tries = browser.send("GET", "/", headers), tries + 1
    return reply


def test_parts_belong_together(case: Case, owner: Browser) -> None:
    """Both parts of one session open it, in any order; so what the others change is why they are refused (T-CS-07)."""
    first, second = parts_of(owner)

    for cookies in ({FIRST: first, SECOND: second}, {SECOND: second, "x": "y", FIRST: first}):
        assert shown(in_hands_of(case, owner), cookies).is_from_app


def test_parts_that_do_not_belong_together(case: Case, owner: Browser) -> None:
    """Parts dropped, swapped, of two users or miscounted get what garbage gets, at once (T-CS-07)."""
    first, second = parts_of(owner)
    other_first, other_second = parts_of(with_long_token(case))
    body = first.removeprefix("2~")
    counts = ["0", "1", "3", "9", "10", "999999999", "-1", "+2", "02", "2 ", "", "\xd9\xa2", "2~2"]
    attacks = [
        {FIRST: first},
        {SECOND: second},
        {FIRST: second, SECOND: first},
        {FIRST: f"2~{second}", SECOND: body},
        {FIRST: first, SECOND: other_second},
        {FIRST: other_first, SECOND: second},
        {FIRST: first, SECOND: ""},
        {FIRST: first, THIRD: second},
        {FIRST: first, f"{SESSION}.01": second},
        {FIRST: f"3~{body}", SECOND: second, THIRD: "x"},
        *({FIRST: f"{count}~{body}", SECOND: second} for count in counts),
    ]
    garbage = shown(case.browser(), {FIRST: "garbage"})

    replies = [shown(case.browser(), cookies) for cookies in attacks]

    assert garbage.status == 401
    assert [reply for reply in replies if reply.told != garbage.told] == []
    assert max(reply.took_seconds for reply in replies) < MOST_SECONDS


def test_parts_beyond_the_last(case: Case, owner: Browser) -> None:
    """Parts that nobody counted are leftovers and not looked at: the right user, at once (T-CS-07)."""
    first, second = parts_of(owner)
    extra = {f"{SESSION}.{number}": "x" * 200 for number in range(2, 10)}

    reply = shown(in_hands_of(case, owner), {FIRST: first, SECOND: second, **extra})

    assert reply.seen["session_token"] == f"at.{owner.user}.{LONG}"
    assert reply.took_seconds < MOST_SECONDS


def test_leftover_of_a_larger_session(case: Case, browser: Browser) -> None:
    """A part that an older, larger session left behind changes nothing: the right user, the newest token (T-CS-07)."""
    case.fotoweb.script(browser.user, good(access_token=f"at.{browser.user}.{LONG}", expires_in=0))
    browser.log_in()
    assert browser.xhr("/").status == 200
    old = browser.session_cookies
    case.fotoweb.heal(browser.user)
    token = browser.xhr("/").seen["session_token"]
    new = browser.session_cookies
    leftovers = {name: value for name, value in old.items() if name not in new}

    for cookies in ({**new, **leftovers}, {**new, SECOND: "x"}, old):
        assert shown(in_hands_of(case, browser), cookies).seen["session_token"] == token
    assert list(new) == [SESSION]
    assert bool(leftovers) == (case.server.kind not in IN_REFERENCE_MODE)


@pytest.mark.parametrize("order", ["first part first", "second part first"])
def test_parts_over_two_headers(case: Case, owner: Browser, order: str) -> None:
    """Parts in two Cookie headers are a session for ASGI; WSGI servers join them with a comma: none (T-CS-07)."""
    pairs = [f"{name}={value}" for name, value in zip((FIRST, SECOND), parts_of(owner), strict=True)]
    one, other = pairs if order == "first part first" else pairs[::-1]
    garbage = shown(case.browser(), {FIRST: "garbage"})

    # A header's name in two spellings stands in a dictionary twice.
    reply = in_hands_of(case, owner).send("GET", "/", {**XHR, "Cookie": one, "cookie": other})

    assert reply.is_from_app or (case.server.kind.adapter == "wsgi" and reply.told == garbage.told), reply
