"""Words of anonymous users on our pages, and the headers before them (security cases T-OP-01, T-OP-03, T-OP-04)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from markupsafe import escape

from tests.attacks.answers import Answer, closed, good, refusal, reply
from tests.attacks.attacked import APP_HOST, SOME_SERVERS
from tests.attacks.browser import NAV, Browser, state_of
from tests.attacks.oracles import Case
from tests.attacks.pages_read import check_page, is_own_page
from tests.attacks.raw_client import RawReply
from tests.servers.serving import HYPERCORN, UVICORN_H11, WAITRESS, Kind

pytestmark = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)

CALLBACK = "/oauth2/callback"
MARKUP = (
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "'-alert(1)-'",
)
STRANGE_BYTES = ("+ADw-script+AD4-", "%ff%fe", "%c0%bcscript", "%00")
UNREADABLE = (b"\xff\xfe", b"\xc0\xbc", b"\x00")


def come_back_with(query: str) -> Callable[[Browser, str], RawReply]:
    """Return what comes back from FotoWeb with a query; ``{state}`` is that of a login of this browser."""

    def ask(browser: Browser, words: str) -> RawReply:
        state = state_of(browser.begin("/"))
        return browser.come_back(f"{CALLBACK}?{query.replace('{state}', state).replace('{words}', words)}")

    return ask


def replay(browser: Browser, words: str) -> RawReply:
    """Begin a login that leads to these words, and use its callback twice: the page then links to them."""
    callback = browser.approve(browser.begin(quote(f"/{unquote(words)}", safe="")))
    kept = browser.jar.snapshot(APP_HOST)
    browser.come_back(callback)
    for name, value in kept.items():
        browser.jar.plant(name, value, host=APP_HOST)
    return browser.come_back(callback)


def ask_for_path(browser: Browser, words: str) -> RawReply:
    """Ask for a page below our own prefix that is not there."""
    return browser.nav(f"/oauth2/{words}")


PLACES: dict[str, Callable[[Browser, str], RawReply]] = {
    "error": come_back_with("error={words}&state={state}"),
    "error_description": come_back_with("error=access_denied&error_description={words}&state={state}"),
    "error_description without a login": come_back_with("error=access_denied&error_description={words}&state=x"),
    "error_uri": come_back_with("error=access_denied&error_uri={words}&state={state}"),
    "state": come_back_with("code=C&state={words}"),
    "code": come_back_with("code={words}&state={state}"),
    "code and state": come_back_with("code={words}&state={words}"),
    "path": ask_for_path,
    "way back": replay,
}
EVERYWHERE = pytest.mark.parametrize("place", PLACES)


@EVERYWHERE
def test_markup(case: Case, place: str) -> None:
    """Markup in whatever a stranger can write is escaped or left out, and becomes no link (T-OP-01)."""
    for markup in MARKUP:
        page = PLACES[place](case.browser(), quote(markup, safe=""))
        assert page.status >= 400
        check_page(page, case.browsers[-1])
        is_plain = not set(markup) & set("<>\"'")
        assert is_plain or markup not in page.text, markup


def test_words_of_fotoweb(case: Case) -> None:
    """FotoWeb's own description is shown, as text: there is something to escape (T-OP-01)."""
    for markup in MARKUP:
        assert str(escape(markup)) in PLACES["error_description"](case.browser(), quote(markup, safe="")).text


def test_markup_as_written(case: Case) -> None:
    """The same in a path without percent-encoding, where the server takes it (T-OP-01)."""
    for markup in MARKUP:
        page = case.browser().nav(f"/oauth2/{markup}")
        assert 400 <= page.status < 500
        assert markup not in page.text


@EVERYWHERE
def test_strange_encodings(case: Case, place: str) -> None:
    """Bytes that are no UTF-8, and words in UTF-7, stay text: the page is UTF-8 and says so (T-OP-04)."""
    for words in STRANGE_BYTES:
        page = PLACES[place](case.browser(), words)
        assert page.status >= 400
        check_page(page, case.browsers[-1])  # It reads the page as UTF-8.
        assert [found for found in UNREADABLE if found in page.body] == []


# ------------------------------------------------------------------------------------------------ every page there is


def post_from_elsewhere(browser: Browser) -> RawReply:
    """Send a form from another host of the same site, with a session."""
    browser.log_in()
    return browser.send("POST", "/", {**NAV, "Sec-Fetch-Site": "same-site"})


def log_in_again_and_again(browser: Browser) -> RawReply:
    """Log in time after time."""
    for _ in range(3):
        browser.log_in()
    return browser.nav("/oauth2/login")


def fail_to_refresh(answer: Answer) -> Callable[[Browser], RawReply]:
    """Return what a visitor with an expired token sees where FotoWeb answers a refresh so."""

    def ask(browser: Browser) -> RawReply:
        browser.fotoweb.script(browser.user, good(expires_in=0))
        browser.log_in()
        browser.xhr("/")
        browser.fotoweb.script(browser.user, answer)
        return browser.nav("/")

    return ask


def fail_to_log_in(answer: Answer) -> Callable[[Browser], RawReply]:
    """Return what comes of a login where FotoWeb answers the code so."""

    def ask(browser: Browser) -> RawReply:
        browser.fotoweb.script(browser.user, answer)
        return browser.try_to_log_in()

    return ask


def callback(query: str) -> Callable[[Browser], RawReply]:
    """Return the callback's answer to a query."""
    return lambda browser: come_back_with(query)(browser, "words")


PAGES: dict[str, tuple[int, Callable[[Browser], RawReply]]] = {
    "no such page": (404, lambda browser: browser.nav("/oauth2/x")),
    "callback by PUT": (405, lambda browser: browser.send("PUT", CALLBACK, {"Accept": "text/html"})),
    "logout by PUT": (405, lambda browser: browser.send("PUT", "/oauth2/logout", {"Accept": "text/html"})),
    "no state": (400, callback("code=C")),
    "foreign state": (400, callback("code=C&state=x")),
    "no cookies": (400, lambda browser: browser.come_back(f"{CALLBACK}?code=C&state=x")),
    "state twice": (400, callback("code=C&state={state}&state=x")),
    "used state": (400, lambda browser: replay(browser, "a")),
    "access_denied": (403, callback("error=access_denied&error_description=No&state={state}")),
    "temporarily_unavailable": (503, callback("error=temporarily_unavailable&state={state}")),
    "invalid_scope": (502, callback("error=invalid_scope&state={state}")),
    "code refused": (502, fail_to_log_in(refusal(400, "invalid_grant"))),
    "nonsense": (502, fail_to_log_in(reply(200, "<title>Sorry</title>", "text/html"))),
    "no FotoWeb at login": (503, fail_to_log_in(closed)),
    "no FotoWeb at refresh": (503, fail_to_refresh(reply(503))),
    "app refused": (502, fail_to_refresh(refusal(401, "invalid_client"))),
    "form without a session": (401, lambda browser: browser.send("POST", "/", NAV)),
    "form from elsewhere": (403, post_from_elsewhere),
    "logins without end": (400, log_in_again_and_again),
    "sign out?": (200, lambda browser: browser.nav("/oauth2/logout")),
    "signed out": (200, lambda browser: browser.nav("/oauth2/logout", Sec_Fetch_Site="same-origin")),
}


@pytest.mark.parametrize("page", PAGES)
def test_headers_of_pages(browser: Browser, page: str) -> None:
    """Each page of ours has the security headers, nothing that runs, and nothing that is fetched (T-OP-03)."""
    status, ask = PAGES[page]

    shown = ask(browser)

    assert (shown.status, is_own_page(shown)) == (status, True), shown.text[:300]
    check_page(shown, browser)


def test_headers_of_the_page_of_a_bad_target(browser: Browser, kind: Kind) -> None:
    """So does the page of a request target that is no path, where the server does not refuse it itself (T-OP-03)."""
    shown = browser.nav("@evil.test")

    assert shown.status == 400
    assert is_own_page(shown) is (kind in {UVICORN_H11, HYPERCORN, WAITRESS})
    if is_own_page(shown):
        check_page(shown, browser)
