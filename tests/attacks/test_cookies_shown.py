"""What browsers and stores get to see (T-CS-01, T-CS-12, T-CS-13): our cookies' attributes, no secret."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial

import pytest

from tests.attacks.answers import good, refusal
from tests.attacks.attacked import APP_HOST, IN_REFERENCE_MODE, SOME_SERVERS
from tests.attacks.browser import SESSION, Browser
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.raw_client import RawReply
from tests.attacks.set_cookies import MOST_CHARACTERS, cookie_faults, is_ours

ON_SOME_SERVERS = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)
MOST_TOGETHER = 6144
BY_DEFAULT = "Path=/; HttpOnly; Secure; SameSite=Lax"
GOOD_VALUE = f"{SESSION}=x; Max-Age=43200; {BY_DEFAULT}"


def set_by(browser: Browser) -> list[tuple[str, str, str]]:
    """Return name, value and attributes of each cookie that any answer set."""
    values = [value for reply in browser.replies for value in reply.all("Set-Cookie")]
    pairs = [value.partition("; ") for value in values]
    return [(*pair.partition("=")[::2], attributes) for pair, _, attributes in pairs]


def go_everywhere(browser: Browser) -> None:
    """See every kind of answer: before, at and after a login, with what fails, until the logout."""
    user, fotoweb = browser.user, browser.fotoweb
    browser.xhr("/")
    browser.send("POST", "/", {"Accept": "text/html"})
    fotoweb.script(user, refusal(400, "invalid_grant"))
    browser.try_to_log_in()
    fotoweb.script(user, good(expires_in=0))
    browser.log_in()
    for target in ("/", "/", "/oauth2/session", "/oauth2/nothing", "/oauth2/callback?code=c&state=s", "/oauth2/logout"):
        browser.nav(target)
    browser.send("POST", "/", {"Sec-Fetch-Site": "same-site"})
    fotoweb.script(user, refusal(401, "invalid_client"))
    browser.nav("/")
    fotoweb.heal(user)
    browser.xhr("/")
    browser.begin("/left-open")
    browser.send("POST", "/oauth2/logout", {"Sec-Fetch-Site": "same-origin"})


@ON_SOME_SERVERS
def test_attributes(browser: Browser) -> None:
    """Each cookie of ours is ``__Host-``, Secure, HttpOnly, Lax, for all paths, and 4096 long at most (T-CS-01)."""
    go_everywhere(browser)

    cookies = set_by(browser)
    kinds = {"login" if name.startswith(f"{SESSION}-login-") else name for name, _, _ in cookies}
    assert kinds == {SESSION, f"{SESSION}-attempts", "login"}
    for name, value, attributes in cookies:
        age, _, rest = attributes.partition("; ")
        assert (age.partition("=")[0], age.partition("=")[2].isdecimal(), rest) == ("Max-Age", True, BY_DEFAULT)
        assert len(name) + len(value) <= MOST_CHARACTERS
    assert browser.jar.refused == []


@ON_SOME_SERVERS
@pytest.mark.parametrize("characters", [600, 2000, 3000, 3700, 12_000])
def test_sizes(browser: Browser, characters: int) -> None:
    """No browser drops a cookie of ours for its size, and with logins in other tabs all stay within 6 KiB (T-CS-01)."""
    token, deep = f"at.{browser.user}.".ljust(characters, "x"), f"/{'deep' * 200}"
    browser.fotoweb.script(browser.user, good(access_token=token))
    steps: list[Callable[[], object]] = [partial(browser.nav, deep)] * 7
    steps += [browser.log_in, partial(browser.begin, deep)]
    totals = []
    for step in steps:
        step()
        totals.append(sum(len(f"{name}={value}; ") for name, value in browser.jar.snapshot(APP_HOST).items()))

    assert browser.xhr("/").seen["session_token"] == token
    assert browser.jar.refused == []
    assert max(totals) <= MOST_TOGETHER


@ON_SOME_SERVERS
def test_logout_leaves_nothing(browser: Browser) -> None:
    """A removal has the cookie's own name, path and Secure, so that browsers carry it out (T-CS-01)."""
    go_everywhere(browser)
    assert browser.jar.snapshot(APP_HOST) == {}


@ON_SOME_SERVERS
def test_no_secret_in_any_byte(browser: Browser) -> None:
    """No answer of ours holds a token, verifier or secret, raw, percent-encoded, in hex or in base64 (T-CS-12)."""
    go_everywhere(browser)

    statuses = {reply.status for reply in browser.replies if not reply.is_from_app}
    assert statuses == {302, 400, 401, 403, 404, 502, 200}
    assert len(browser.fotoweb.secrets_of(browser.user)) > 10  # The oracle looks for these, in all their spellings.


@ON_SOME_SERVERS
def test_app_sees_no_cookie_of_ours(member: Browser) -> None:
    """The app sees its own cookies, and in place of ours one that opens nothing (T-CS-12)."""
    member.begin("/")
    member.jar.plant("app-own", "1", host=APP_HOST)

    seen = member.xhr("/").seen["cookies"]

    assert seen.pop("app-own") == "1"
    assert list(seen) == ["fotoweb-tag"]
    member.jar.plant(SESSION, seen["fotoweb-tag"], host=APP_HOST)
    assert member.xhr("/").status == 401


@ON_SOME_SERVERS
def test_refreshed_cookie_is_for_no_cache(case: Case, browser: Browser) -> None:
    """Where the app says ``public`` beside a refreshed cookie of ours, the answer is private and varies (T-CS-13)."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    assert browser.xhr("/").status == 200

    reply = browser.xhr("/cached")

    if case.server.kind in IN_REFERENCE_MODE:  # A handle stays what it is: no cookie is set, and the app is obeyed.
        assert (reply.all("Set-Cookie"), reply.header("Cache-Control")) == ([], "public, max-age=3600")
    else:
        assert [is_ours(value) for value in reply.all("Set-Cookie")] == [True]
        assert reply.header("Cache-Control") == "private, max-age=3600"
        assert {name.strip() for name in (reply.header("Vary") or "").split(",")} == {"Accept", "Cookie"}


@ON_SOME_SERVERS
def test_own_answers_are_for_no_cache(browser: Browser) -> None:
    """The way to FotoWeb, the way back, a 401 and every page of ours are no-store (T-CS-13)."""
    go_everywhere(browser)

    own = [reply for reply in browser.replies if not reply.is_from_app]
    assert [reply for reply in own if reply.header("Cache-Control") != "no-store"] == []


# ------------------------------------------------------------------------------------------------ seen red on purpose


@pytest.mark.parametrize(
    "value",
    [
        GOOD_VALUE.replace("__Host-", ""),
        GOOD_VALUE.replace("__Host-", "__host-"),
        GOOD_VALUE.replace(f"{SESSION}=", f"{SESSION}-other="),
        *(GOOD_VALUE.replace(f"; {attribute}", "") for attribute in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/")),
        GOOD_VALUE.replace("Path=/", "Path=/oauth2"),
        f"{GOOD_VALUE}; Domain=app.test",
        GOOD_VALUE.replace("SameSite=Lax", "SameSite=None"),
        GOOD_VALUE.replace(SESSION, f"{SESSION}-login-x").replace("Lax", "Strict"),
        GOOD_VALUE.replace("=x;", f"={'x' * 4083};"),
        GOOD_VALUE.replace("43200", "0"),
    ],
)
def test_bad_cookies_are_found(value: str) -> None:
    """What every Set-Cookie is held against can fail."""
    assert list(cookie_faults(value))


@pytest.mark.parametrize(
    "value",
    [
        GOOD_VALUE,
        GOOD_VALUE.replace("Lax", "Strict"),
        GOOD_VALUE.replace("=x;", f"={'x' * 4082};"),
        GOOD_VALUE.replace(f"{SESSION}=x; Max-Age=43200", f"{SESSION}-login-x=; Max-Age=0"),
        "app-own=1",
    ],
)
def test_good_cookies_are_no_fault(value: str) -> None:
    """Nor is anything found where nothing is wrong."""
    assert list(cookie_faults(value)) == []


@pytest.mark.parametrize("kind", SOME_SERVERS[:1], ids=str)
@pytest.mark.parametrize(
    "spell",
    [
        lambda secret: secret.encode().hex(),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(f"x{secret}y".encode()).decode(),
        lambda secret: base64.b64encode(f'["{secret}"]'.encode()).decode(),
        lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    ],
    ids=["hex", "base64", "inside base64", "further inside", "percent"],
)
def test_spelled_secrets_are_found(case: Case, spell: Callable[[str], str]) -> None:
    """A refresh token in an answer is found, however it is spelled."""
    browser = case.browser()
    secret = case.fotoweb.grant_for(browser.user).refresh_token
    browser.replies.append(RawReply("GET /", 400, (("X", spell(secret)),), b"", 0.1))
    with pytest.raises(AssertionError, match="I6"):
        check_oracles(case)
    browser.replies.clear()
