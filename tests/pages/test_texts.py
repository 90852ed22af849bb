"""What each page says: its status, its code, its buttons, and how to fix it."""

from __future__ import annotations

import math
import re
import unicodedata

import pytest

from fotoweb_middleware.pages import Page, page
from tests.pages.every_page import (
    APP_URL,
    EVERY_PAGE,
    FOTOWEB_URL,
    LOGIN_URL,
    LOGOUT_URL,
    OAUTH_ERRORS,
    RETRY_URL,
    STATE_CODES,
    detail,
    not_allowed,
    read,
    title,
    upper_part,
)

STATUSES = {
    "access_denied": 403,
    "bad_request_target": 400,
    "wrapped_twice": 500,
    "confirm_logout": 200,
    "cross_origin_refused": 403,
    "fotoweb_error": 502,
    "fotoweb_nonsense": 502,
    "fotoweb_unavailable": 503,
    "method_not_allowed": 405,
    "no_such_page": 404,
    "not_allowed": 403,
    "not_signed_in": 401,
    "one_moment": 200,
    "signed_out": 200,
    "store_unavailable": 503,
    "temporarily_unavailable": 503,
}

# The settings of the contract: a page may name no other.
VARIABLES = frozenset(
    {
        "FOTOWEB_APP",
        "FOTOWEB_COOKIE_NAME",
        "FOTOWEB_PATH_PREFIX",
        "FOTOWEB_URL",
        "FOTOWEB_CACHE",
        "FOTOWEB_CLIENT_ID",
        "FOTOWEB_COOKIE_MODE",
        "FOTOWEB_CLIENT_SECRET",
        "FOTOWEB_SECRET_KEY",
        "FOTOWEB_REDIRECT_URI",
        "FOTOWEB_SEND_REDIRECT_URI",
        "FOTOWEB_PKCE",
        "FOTOWEB_COOKIE_SAMESITE",
        "FOTOWEB_COOKIE_SECURE",
        "FOTOWEB_SESSION_LIFETIME",
        "FOTOWEB_SESSION_IDLE",
        "FOTOWEB_HTTP_TIMEOUT",
        "FOTOWEB_CA_BUNDLE",
        "FOTOWEB_TRUSTED_ORIGINS",
        "FOTOWEB_ALLOWED_USERS",
        "FOTOWEB_FETCH_USER",
    }
)


@pytest.mark.parametrize(("name", "shown"), EVERY_PAGE.items(), ids=EVERY_PAGE.keys())
def test_status(name: str, shown: Page) -> None:
    """Each page belongs to the status that the contract gives its case."""
    expected = 400 if name.startswith(("state_", "loop_")) else STATUSES[name.partition("/")[0]]

    assert expected == shown.status


@pytest.mark.parametrize("shown", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_upper_part_is_free_of_jargon(shown: Page) -> None:
    """What a visitor reads first names no setting, protocol or code."""
    jargon = r"FOTOWEB_|OAuth|RFC|\bHTTP\b|\bURI\b|\bURL\b|token|state\b|callback|session|middleware|\bproxy\b|\d{3}"

    assert not re.findall(jargon, upper_part(shown))


@pytest.mark.parametrize("shown", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_words_are_common_ones(shown: Page) -> None:
    """No page uses a word of our own, or one that nobody says."""
    odd = r"\b(mend|mended|anew|whoever|stranger|crowd|door|server cache|tombstone|lease)\b"

    assert not re.findall(odd, read(shown).words(), re.IGNORECASE)


@pytest.mark.parametrize("shown", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_variables_named_exist(shown: Page) -> None:
    """Every variable a page names is one of the contract."""
    assert set(re.findall(r"FOTOWEB_[A-Z_]+", read(shown).words())) <= VARIABLES


@pytest.mark.parametrize("shown", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_no_emoji(shown: Page) -> None:
    """Pages use words, not pictures."""
    assert not [each for each in read(shown).words() if unicodedata.category(each) == "So"]


def test_codes_are_stable_names() -> None:
    """A code is lower case with underscores, so that it can be searched for."""
    assert all(re.fullmatch(r"[a-z_]+", shown.code) for shown in EVERY_PAGE.values())


def test_each_state_problem_has_words_of_its_own() -> None:
    """The ways of a bad state differ in heading and text."""
    found = [EVERY_PAGE[code] for code in STATE_CODES]

    assert len(found) == 8 == len({title(shown) for shown in found}) == len({upper_part(shown) for shown in found})


@pytest.mark.parametrize("code", [code for code in STATE_CODES if code != "state_reused"])
def test_bad_state_offers_one_way(code: str) -> None:
    """A bad state offers to start again."""
    assert read(EVERY_PAGE[code]).actions() == [("Sign in again", LOGIN_URL)]


def test_reused_state_offers_the_app_first() -> None:
    """Somebody who used a login twice is most likely signed in: the app comes first, another login second."""
    assert read(EVERY_PAGE["state_reused"]).actions() == [
        ("Continue to the app", APP_URL),
        ("Sign in again", LOGIN_URL),
    ]


def test_description_is_marked_as_words_of_fotoweb() -> None:
    """FotoWeb's description stands in a quotation that says whose words these are."""
    seen = read(page("access_denied", description="No licence", login_url=LOGIN_URL))

    assert seen.inside("figcaption") == ["FotoWeb gave this reason:"]
    assert seen.inside("blockquote") == ["No licence"]


@pytest.mark.parametrize("description", [None, "", " \n", "\x00\u202e"])
def test_no_description_no_quotation(description: str | None) -> None:
    """Where FotoWeb said nothing that can be seen, nothing is quoted."""
    assert not read(page("access_denied", description=description, login_url=LOGIN_URL)).named("blockquote")


@pytest.mark.parametrize(
    ("error", "names"),
    [
        ("invalid_client", {"FOTOWEB_CLIENT_ID", "FOTOWEB_CLIENT_SECRET", "FOTOWEB_URL"}),
        ("unauthorized_client", {"FOTOWEB_CLIENT_ID", "FOTOWEB_CLIENT_SECRET", "FOTOWEB_URL"}),
        ("unsupported_response_type", set()),
        ("unsupported_grant_type", set()),
        ("invalid_scope", set()),
        ("server_error", set()),
        ("invalid_request", {"FOTOWEB_REDIRECT_URI", "FOTOWEB_SEND_REDIRECT_URI", "FOTOWEB_PKCE"}),
        ("invalid_grant", {"FOTOWEB_REDIRECT_URI", "FOTOWEB_SEND_REDIRECT_URI"}),
        (
            "",
            {
                "FOTOWEB_CLIENT_ID",
                "FOTOWEB_CLIENT_SECRET",
                "FOTOWEB_URL",
                "FOTOWEB_REDIRECT_URI",
                "FOTOWEB_SEND_REDIRECT_URI",
            },
        ),
    ],
)
def test_fotoweb_error_names_what_to_fix(error: str, names: set[str]) -> None:
    """Each error code names the settings to look at and no others, and the command that finds the cause."""
    words = read(page("fotoweb_error", step="code", error=error, retry_url=LOGIN_URL)).words()

    assert names == set(re.findall(r"FOTOWEB_[A-Z_]+", words))
    assert "fotoweb-middleware check" in words


@pytest.mark.parametrize(
    ("error", "heading"),
    [
        ("", "FotoWeb refused this app"),
        ("invalid_client", "This app is not set up correctly"),
        ("invalid_grant", "FotoWeb did not complete the sign-in"),
        ("server_error", "FotoWeb did not complete the sign-in"),
    ],
)
def test_fotoweb_error_says_whether_another_try_helps(error: str, heading: str) -> None:
    """Where another try may succeed, the page says so; else it sends the reader to the people who run the app."""
    shown = page("fotoweb_error", step="code", error=error, retry_url=LOGIN_URL)

    assert heading == title(shown)
    assert ("Please try again." in upper_part(shown)) == (error in {"invalid_grant", "server_error"})


@pytest.mark.parametrize("error", ["<script>x</script>", "brand_new_code", "INVALID_CLIENT", "`x`", "access_denied"])
def test_unknown_error_code_is_never_shown(error: str) -> None:
    """A code that OAuth doesn't know chooses the general page and appears nowhere (R-AC11)."""
    expected = page("fotoweb_error", step="authorize", error="", retry_url=LOGIN_URL)

    assert expected == page("fotoweb_error", step="authorize", error=error, retry_url=LOGIN_URL)
    assert expected.code == "fotoweb_refused"


@pytest.mark.parametrize("error", OAUTH_ERRORS)
def test_refused_refresh_says_that_the_session_continues(error: str) -> None:
    """Where a refresh fails by the operator's fault the visitor learns that they are still signed in."""
    shown = page("fotoweb_error", step="refresh", error=error, retry_url=RETRY_URL)

    assert "You have not been signed out." in detail(shown)
    assert read(shown).actions() == [("Try again", RETRY_URL)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "in a moment"),
        (0, "in a moment"),
        (-5, "in a moment"),
        (math.nan, "in a moment"),
        (0.2, "in a second"),
        (4.1, "in 5 seconds"),
        (60, "in 60 seconds"),
        (61, "in 2 minutes"),
        (3600, "in 60 minutes"),
        (3601, "later"),
        (math.inf, "later"),
    ],
)
@pytest.mark.parametrize("code", ["fotoweb_unavailable", "store_unavailable", "temporarily_unavailable"])
def test_when_to_come_back(code: str, seconds: float | None, expected: str) -> None:
    """The page says when to try again, in words, never sooner than Retry-After does."""
    target = {"login_url" if code == "temporarily_unavailable" else "retry_url": "/"}

    assert f" Please try again {expected}. " in read(page(code, retry_after_seconds=seconds, **target)).words()


@pytest.mark.parametrize(
    "shown",
    [
        page("fotoweb_unavailable", retry_after_seconds=5, retry_url=None),
        page("store_unavailable", retry_after_seconds=5, retry_url=None),
        page("bad_request_target"),
    ],
)
def test_page_without_a_target_has_no_button(shown: Page) -> None:
    """Where there is nowhere to lead, no button is drawn, nor an empty place for one."""
    seen = read(shown)

    assert seen.actions() == []
    assert {"class": "actions"} not in seen.named("div")


@pytest.mark.parametrize("code", ["fotoweb_unavailable", "store_unavailable"])
def test_what_was_sent_in_an_outage(code: str) -> None:
    """Somebody who sent something learns that it did not arrive, and how to send it again; others are not told."""
    sent = "If you were sending something, it did not reach the app; reloading sends it again."
    found = [sent in read(page(code, retry_after_seconds=5, retry_url=url)).words() for url in (None, "/albums")]

    assert found == [True, False]


def test_form_sent_without_a_session_is_not_lost() -> None:
    """The visitor learns that nothing was processed, and signs in beside the form, not over it."""
    seen = read(EVERY_PAGE["not_signed_in"])

    assert "Nothing that you entered was read or saved." in seen.words()
    assert [a["target"] for a in seen.named("a")] == ["_blank"]


def test_not_allowed_says_who_one_is_and_how_to_change_that() -> None:
    """Who may not enter learns as whom FotoWeb knows them, and how to become somebody else, in this order."""
    shown = EVERY_PAGE["not_allowed"]

    assert "as Alice Berg (alice), and this app admits only certain people." in detail(shown)
    assert read(shown).actions() == [("Open FotoWeb", FOTOWEB_URL), ("Sign in as somebody else", LOGIN_URL)]
    assert "as alice, and" in detail(EVERY_PAGE["not_allowed/authorize"])


def test_not_allowed_names_what_was_compared() -> None:
    """The operator reads which setting refused, and the user name and domain that it was compared with."""
    by_list, by_app, unknown = (EVERY_PAGE[f"not_allowed{which}"] for which in ("", "/authorize", "/unknown"))

    assert read(by_list).inside("code")[:3] == ["FOTOWEB_ALLOWED_USERS", "alice", "@example.test"]
    assert read(by_app).inside("code")[:2] == ["authorize", "alice"]
    assert "FotoWeb gave no e-mail address." in read(by_app).words()
    assert "GET /fotoweb/me" in read(unknown).words()


def test_unknown_user_is_asked_to_sign_in_again() -> None:
    """Where FotoWeb named nobody, another login may help."""
    assert read(EVERY_PAGE["not_allowed/unknown"]).actions() == [("Sign in again", LOGIN_URL)]


@pytest.mark.parametrize("name", ["x" * 256, "</bdi><script>alert(1)</script>"])
def test_names_are_escaped_and_cut(name: str) -> None:
    """A name from FotoWeb adds no element, and of each no more than 85 characters are shown to the reader."""
    shown = not_allowed(full_name=name, user_name=name)

    assert read(shown).tags == read(EVERY_PAGE["not_allowed"]).tags
    assert len(detail(shown)) < 2 * 86 + len(detail(EVERY_PAGE["not_allowed"]))


def test_logout_is_confirmed_with_post() -> None:
    """The confirmation page posts to the logout path and offers to stay."""
    seen = read(EVERY_PAGE["confirm_logout"])

    assert seen.actions() == [("Sign out", LOGOUT_URL), ("Stay signed in", APP_URL)]
    assert seen.named("form") == [{"method": "post", "action": LOGOUT_URL}]


def test_signed_out_tells_that_fotoweb_may_remember() -> None:
    """The signed-out page doesn't promise more than is true: FotoWeb's own session may continue."""
    words = read(EVERY_PAGE["signed_out"]).words()

    assert "FotoWeb itself may still know you in this browser. Signing in again then needs no password." in words


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("cross_origin_refused", {"FOTOWEB_TRUSTED_ORIGINS"}),
        ("no_such_page", {"FOTOWEB_PATH_PREFIX"}),
        ("store_unavailable", {"FOTOWEB_CACHE"}),
        ("fotoweb_unavailable", {"FOTOWEB_URL", "FOTOWEB_HTTP_TIMEOUT"}),
        ("state_unknown", {"FOTOWEB_REDIRECT_URI", "FOTOWEB_COOKIE_SECURE", "FOTOWEB_SECRET_KEY"}),
        ("loop_cookie_lost", {"FOTOWEB_COOKIE_MODE", "FOTOWEB_COOKIE_NAME", "FOTOWEB_COOKIE_SAMESITE"}),
        ("loop_cookie_torn", {"FOTOWEB_COOKIE_MODE", "FOTOWEB_COOKIE_NAME"}),
        ("loop_other_key", {"FOTOWEB_SECRET_KEY", "FOTOWEB_URL", "FOTOWEB_CLIENT_ID", "FOTOWEB_COOKIE_NAME"}),
        ("loop_clock", {"FOTOWEB_SESSION_LIFETIME"}),
        ("loop_cache", {"FOTOWEB_CACHE"}),
        ("loop_token", {"FOTOWEB_CACHE"}),
    ],
)
def test_operator_part_names_the_variable(name: str, names: set[str]) -> None:
    """The operator's part names the setting that settles the case."""
    found = set(re.findall(r"FOTOWEB_[A-Z_]+", read(EVERY_PAGE[name]).words()))

    assert names == found if name.startswith("loop_") else names <= found


@pytest.mark.parametrize("code", ["loop_cookie_lost", "loop_cookie_torn"])
def test_loop_tells_how_large_the_cookies_are(code: str) -> None:
    """Where size may be the cause, the page says how large the session's cookies were."""
    assert "1700 characters" in read(EVERY_PAGE[code]).words()


def test_method_not_allowed_names_the_methods() -> None:
    """The page says which methods the path does answer."""
    seen = read(EVERY_PAGE["method_not_allowed"])

    assert "This path answers GET and POST." in seen.words()
    assert {"GET", "POST"} <= set(seen.inside("code"))
