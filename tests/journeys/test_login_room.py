"""Logins of several tabs in one browser: how many there may be, and which go when there is no room."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from fotoweb_middleware.cookies.content import LoginInProgress, read_login, write_login
from fotoweb_middleware.cookies.parts import total_characters
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.journeys import callback
from fotoweb_middleware.journeys.login import (
    begin_login,
    crowd_out,
    forget_logins,
    login_cookie_name,
    login_page,
    started_at,
)
from fotoweb_middleware.model import Answer, Reason, RequestView
from fotoweb_middleware.pages.layout import render
from fotoweb_middleware.pages.refusals import method_not_allowed
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.lookup import Presented, present
from tests.flows.stepping import header
from tests.site.samples import NOW, a_record, a_request, a_site

SITE = a_site()
ROOM_CHARACTERS = 6144


def a_browser(site: Site, ages: list[int], path: str = "/") -> tuple[RequestView, Presented, list[str]]:
    """Return a browser with logins that began so many seconds ago, and the names of their cookies in that order."""
    blank = present(site, a_request())
    logins = [LoginInProgress(f"S{number}", "V", None, path, NOW - age) for number, age in enumerate(ages)]
    names = [login_cookie_name(blank, login.state) for login in logins]
    pairs = [
        f"{name}={site.sealer.seal(write_login(login), Purpose.LOGIN, name=name)}"
        for name, login in zip(names, logins, strict=True)
    ]
    request = a_request("/oauth2/login", cookie="; ".join(pairs))
    return request, present(site, request), names


def names_in(set_cookies: tuple[str, ...]) -> list[str]:
    """Return the names of cookies that are removed."""
    assert all("; Max-Age=0; " in cookie for cookie in set_cookies)
    return [cookie.partition("=")[0] for cookie in set_cookies]


def set_by(answer: Answer) -> list[str]:
    """Return the Set-Cookie values of an answer."""
    return [value for name, value in answer.headers if name == "Set-Cookie"]


@pytest.mark.parametrize(
    ("ages", "dropped"),
    [([], []), ([1, 2, 3, 4], []), ([1, 5, 3, 4, 2], [1]), ([9, 1, 8, 2, 7, 3], [0, 2])],
)
def test_five_logins(ages: list[int], dropped: list[int]) -> None:
    """Four logins stay beside the new one; the oldest go."""
    request, presented, names = a_browser(SITE, ages)

    assert names_in(crowd_out(SITE, request, presented, 0)) == [names[number] for number in dropped]


@pytest.mark.parametrize(("spare", "dropped"), [(0, []), (-1, [0])])
def test_room_for_logins(spare: int, dropped: list[int]) -> None:
    """All our cookies together take 6,144 characters at most; the oldest login makes room."""
    request, presented, names = a_browser(SITE, [3, 2, 1])
    taken = ROOM_CHARACTERS - total_characters(presented.logins) - spare

    assert names_in(crowd_out(SITE, request, presented, taken)) == [names[number] for number in dropped]


@pytest.mark.parametrize("over", [0, 1])
def test_no_room_at_all(over: int) -> None:
    """Where the others take all the room, or more, every login goes."""
    request, presented, names = a_browser(SITE, [3, 2, 1])

    assert names_in(crowd_out(SITE, request, presented, ROOM_CHARACTERS + over)) == names


def test_other_logins_do_not_cost_the_way_back() -> None:
    """Where logins of other tabs take the room they go, and not the new one's way back."""
    request, presented, names = a_browser(SITE, [3, 2, 1], path="/" + "x" * 2000)

    (written, *removed) = set_by(begin_login(SITE, request, presented, "/a?b=c"))

    assert opened(SITE, written).next_path == "/a?b=c"
    assert names_in(tuple(removed)) == names[:1]


def test_state_that_is_no_text() -> None:
    """Any state has a name for its cookie, also one that no encoding takes."""
    assert login_cookie_name(present(SITE, a_request()), chr(0xD800))


def test_login_that_is_finished_does_not_count() -> None:
    """The login that came to its end is removed anyway, and is none of the five."""
    request, presented, names = a_browser(SITE, [1, 2, 3, 4, 5])

    assert crowd_out(SITE, request, presented, 0, finished=names[0]) == ()


def test_login_that_does_not_open_goes_first() -> None:
    """What we did not seal counts as the oldest."""
    assert started_at(SITE, "name", "garbage") == 0
    assert started_at(SITE, "name", SITE.sealer.seal(b'["x"]', Purpose.LOGIN, name="name")) == 0


@pytest.mark.parametrize("count", [20, 30])
def test_twenty_removals(count: int) -> None:
    """At most twenty cookies are removed by one answer: each costs a header."""
    name = present(SITE, a_request()).names.login_prefix
    request = a_request(cookie="; ".join(f"{name}{number}=x" for number in range(count)))

    assert len(forget_logins(request, present(SITE, request))) == 20
    assert len(crowd_out(SITE, request, present(SITE, request), ROOM_CHARACTERS)) == 20


def opened(site: Site, cookie: str) -> LoginInProgress:
    """Return the login in a Set-Cookie value."""
    name, _, value = cookie.partition(";")[0].partition("=")
    unsealed = site.sealer.open(value, Purpose.LOGIN, name=name)
    login = read_login(unsealed.payload) if unsealed else None
    assert login is not None
    return login


@pytest.mark.parametrize(("other_characters", "kept"), [(0, True), (6000, False)])
def test_way_back_that_finds_no_room(other_characters: int, kept: bool) -> None:
    """Where the way back finds no room beside our other cookies, the login leads to the front page."""
    name = present(SITE, a_request()).names.session
    request = a_request("/a", cookie=f"{name}.1={'x' * other_characters}; a=b")

    (written, *removed) = set_by(begin_login(SITE, request, present(SITE, request), "/a?b=c"))

    assert opened(SITE, written).next_path == ("/a?b=c" if kept else "/")
    assert removed == []


@pytest.mark.parametrize(("spare", "kept"), [(0, True), (-1, False)])
def test_way_back_that_just_fits(spare: int, kept: bool) -> None:
    """The way back is kept to the last character of the 6,144."""
    other = f"{present(SITE, a_request()).names.session}.1"
    alone = set_by(begin_login(SITE, a_request("/a"), present(SITE, a_request("/a")), "/a?b=c"))[0]
    own_characters = len(alone.partition(";")[0]) - len("=")
    room = ROOM_CHARACTERS - own_characters - total_characters({other: ""}) - spare
    request = a_request("/a", cookie=f"{other}={'x' * room}")

    written = set_by(begin_login(SITE, request, present(SITE, request), "/a?b=c"))[0]

    assert opened(SITE, written).next_path == ("/a?b=c" if kept else "/")


def test_login_cookie() -> None:
    """The login's cookie lives ten minutes, on every path, and goes along on the way back from FotoWeb."""
    request = a_request("/a")

    (written,) = set_by(begin_login(SITE, request, present(SITE, request), "/a"))

    assert written.partition("; ")[2] == "Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax"
    assert opened(SITE, written).started_at == NOW


def test_plain_login_cookie_under_a_mount() -> None:
    """Without the ``__Host-`` name the cookie stays below the mount."""
    site = a_site(redirect_uri=None, cookie_secure="false")
    request = a_request("/a", mount="/sub")

    (written,) = set_by(begin_login(site, request, present(site, request), "/sub/a"))

    assert "; Path=/sub/; HttpOnly; SameSite=Lax" in written


@pytest.mark.parametrize(("send", "pkce"), [(True, True), (False, True), (True, False)])
def test_what_fotoweb_is_sent(send: bool, pkce: bool) -> None:
    """The login remembers exactly the redirect URI and the challenge that FotoWeb was sent."""
    site, request = a_site(send_redirect_uri=send, pkce=pkce), a_request("/a")

    answer = begin_login(site, request, present(site, request), "/a")

    sent = parse_qs(urlsplit(header(answer, "Location")).query)
    login = opened(site, set_by(answer)[0])
    assert sent.get("redirect_uri", [None]) == [login.redirect_uri]
    assert ("code_challenge" in sent, login.code_verifier is not None) == (pkce, pkce)
    assert sent["state"] == [login.state]
    assert (login.redirect_uri is not None) is send


@pytest.mark.parametrize(
    ("parts", "status", "reason"),
    [
        ({"method": "POST"}, 405, Reason.METHOD_NOT_ALLOWED),
        ({"method": "HEAD"}, 401, Reason.NO_SESSION),
        ({"sec_fetch_mode": "cors"}, 401, Reason.NO_SESSION),
        ({"accept": "text/html"}, 302, Reason.LOGIN_STARTED),
    ],
)
def test_login_page(parts: dict[str, str], status: int, reason: Reason) -> None:
    """A person who goes to the login page begins one; scripts don't, and other methods are told so."""
    request = a_request("/oauth2/login", **parts)

    answer = login_page(SITE, request, present(SITE, request))

    assert (answer.status, answer.reason) == (status, reason)
    assert dict(answer.headers).get("Allow") == ("GET" if status == 405 else None)


def test_page_of_a_method_that_is_not_allowed() -> None:
    """The page names the method that is."""
    request = a_request("/oauth2/login", method="POST", accept="text/html")

    body = login_page(SITE, request, present(SITE, request)).body

    assert body == render(method_not_allowed(("GET",), "/"))


def test_login_on_a_host_that_is_none() -> None:
    """Where no redirect URI can be told no login begins."""
    site, request = a_site(redirect_uri=None), a_request("/a", host="a b")

    answer = begin_login(site, request, present(site, request), "/a")

    assert (answer.status, answer.reason, set_by(answer)) == (400, Reason.BAD_HOST, [])


def test_room_at_the_end_of_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's cookies and the count of logins take their room before the logins of other tabs do."""
    monkeypatch.setattr(callback, "crowd_out", lambda *arguments, finished: (str(arguments[3]), finished))
    request = a_request("/oauth2/callback")
    login = LoginInProgress("S", "V", None, "/", NOW)

    *ours, taken, finished = callback.cookies_at_login(
        SITE, request, present(SITE, request), login, SITE.near.adopt(a_record())
    )

    assert int(taken) == sum(len(cookie.partition(";")[0]) + 2 for cookie in ours)
    assert finished == login_cookie_name(present(SITE, request), "S")


def test_name_of_a_login() -> None:
    """A login's cookie is called by the first 96 bits of its state's SHA-256, in the letters of URLs."""
    name = login_cookie_name(present(SITE, a_request()), "S")

    assert name == "__Host-fotoweb-login-" + base64.urlsafe_b64encode(hashlib.sha256(b"S").digest())[:16].decode()
