"""A session cookie that was tampered with, or that only looks like one, on every server (T-CS-03, T-CS-05)."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest

from tests.attacks.attacked import EVERY_SERVER
from tests.attacks.browser import NAV, SESSION, XHR, Browser
from tests.attacks.oracles import Case
from tests.attacks.raw_client import RawReply

ON_EVERY_SERVER = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)
BASE64 = string.ascii_letters + string.digits + "-_"


@pytest.fixture
def twin(case: Case, member: Browser) -> Browser:
    """Return a browser with an empty jar in which the member's session may show up, and nobody else's."""
    browser = case.browser()
    browser.user = member.user
    return browser


@pytest.fixture
def garbage(case: Case) -> RawReply:
    """Return what a cookie gets that is no session cookie at all."""
    return shown(case.browser(), f"{SESSION}=garbage")


def shown(browser: Browser, cookie: str) -> RawReply:
    """Fetch with this Cookie header."""
    return browser.send("GET", "/", {**XHR, "Cookie": cookie})


@ON_EVERY_SERVER
def test_garbage(case: Case, garbage: RawReply) -> None:
    """Garbage gets what no cookie gets: 401, and as a navigation a login (T-CS-03)."""
    login = case.browser().send("GET", "/", {**NAV, "Cookie": f"{SESSION}=garbage"})

    assert (garbage.status, garbage.all("Set-Cookie")) == (401, [])
    assert garbage.told == case.browser().xhr("/").told
    assert (login.status, login.location.startswith(case.fotoweb.url)) == (302, True)


@ON_EVERY_SERVER
def test_every_changed_byte(case: Case, member: Browser, garbage: RawReply) -> None:
    """With any byte changed, or cut off anywhere, a cookie gets the very answer that garbage gets (T-CS-03)."""
    stranger, value = case.browser(), member.session_cookies[SESSION]

    answers = {shown(stranger, f"{SESSION}={changed}").told for changed in changes(value)}

    assert answers == {garbage.told}
    assert member.xhr("/").status == 200


def changes(value: str) -> Iterator[str]:
    """Yield a value with one bit changed, with one character replaced, and cut off, at each place."""
    for at, letter in enumerate(value):
        yield value[:at] + chr(ord(letter) ^ 1) + value[at + 1 :]
        yield value[:at] + ("A" if letter != "A" else "B") + value[at + 1 :]
        yield value[:at]


@ON_EVERY_SERVER
def test_other_spellings(case: Case, member: Browser, garbage: RawReply) -> None:
    """Other spellings of the same bytes, as base64 decoders take them, are no session (T-CS-03)."""
    stranger, value = case.browser(), member.session_cookies[SESSION]
    spelled = [f"{value}{tail}" for tail in ("=", "==", "!!!!", "A", " A", f".{value}", value)]
    spelled += [value[:-1] + last for last in BASE64 if last != value[-1]]  # Its unused bits (RFC 4648, 3.5).
    spelled += [f'"{value}"', f"!{value}", value.replace(".", "!."), value.replace("A", "%41", 1) + "%20"]

    answers = {shown(stranger, f"{SESSION}={other}").told for other in spelled}

    assert answers == {garbage.told}


@ON_EVERY_SERVER
def test_control_characters(member: Browser, twin: Browser, garbage: RawReply) -> None:
    """With a line break behind it a cookie is the same session, which a logout kills, or none (T-CS-03)."""
    value = member.session_cookies[SESSION]
    spelled = [f"{SESSION}={value}{tail}" for tail in ("\n", "\n ", "\r", "\0", "\x7f", "%0a")]

    before = [shown(twin, cookie) for cookie in spelled]
    member.send("POST", "/oauth2/logout", {"Sec-Fetch-Site": "same-origin"})
    after = [shown(twin, cookie) for cookie in spelled]

    assert all(reply.status in {200, 400} or reply.told == garbage.told for reply in before), before
    assert all(reply.status == 400 or reply.told == garbage.told for reply in after), after
    assert shown(twin, f"{SESSION}={value}").told == garbage.told


@ON_EVERY_SERVER
@pytest.mark.parametrize(
    "cookie",
    [
        "\xe2\x80\x80__Host-fotoweb={value}",
        "\xc2\xa0__Host-fotoweb={value}",
        "__host-fotoweb={value}",
        "__Host-FotoWeb={value}",
        "__%48ost-fotoweb={value}",
        "=__Host-fotoweb={value}",
        "==__Host-fotoweb={value}",
        "__Host-fotoweb ={value}",
        "__Host-fotoweb= {value}",
        '"__Host-fotoweb"={value}',
        "fotoweb={value}",
        "__Secure-fotoweb={value}",
        "x=y, __Host-fotoweb={value}",
        "__Host-fotoweb.0={value}",
        "__Host-fotoweb-login-x={value}",
        "__Host-fotoweb-attempts={value}",
    ],
    ids=[
        *("en quad", "no-break space", "prefix folded", "name folded", "percent", "nameless", "two equals signs"),
        *("space behind name", "space before value", "quoted", "unprefixed", "other prefix", "comma"),
        *("part zero", "login slot", "trail slot"),
    ],
)
def test_names_that_are_not_ours(case: Case, member: Browser, garbage: RawReply, cookie: str) -> None:
    """A valid value under a name that is only like ours is no session (T-CS-05)."""
    stranger = case.browser()

    reply = shown(stranger, cookie.replace("{value}", member.session_cookies[SESSION]))

    assert reply.status == 400 or reply.told == garbage.told, reply
    assert not reply.is_from_app


@ON_EVERY_SERVER
@pytest.mark.parametrize("before", ["$Version=1; ", "$Version=1, ", '$Version="1"; $Path="/"; ', "$Version=1;"])
def test_version_attribute(member: Browser, twin: Browser, garbage: RawReply, before: str) -> None:
    """The attributes of RFC 2965 are foreign cookies: the session beside them counts, or it is none (T-CS-05)."""
    reply = shown(twin, f"{before}{SESSION}={member.session_cookies[SESSION]}")
    assert reply.status == 200 or reply.told == garbage.told
