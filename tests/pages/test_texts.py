"""What each page says: its status, its code, its buttons, and the mend that it names."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable

import pytest

from fotoweb_middleware import pages
from fotoweb_middleware.pages import FotoWebStep, Page, StateProblem
from fotoweb_middleware.pages.layout import Items, Link, PostButton, Quotation
from tests.pages.every_page import APP_URL, EVERY_PAGE, LOGIN_URL, LOGOUT_URL, OAUTH_ERRORS, RETRY_URL, read

STATUSES = {
    "access_denied": 403,
    "bad_request_target": 400,
    "cache_unavailable": 503,
    "confirm_logout": 200,
    "cross_origin_refused": 403,
    "fotoweb_error": 502,
    "fotoweb_nonsense": 502,
    "fotoweb_unavailable": 503,
    "login_loop": 400,
    "method_not_allowed": 405,
    "no_such_page": 404,
    "one_moment": 200,
    "not_signed_in": 401,
    "sign_in_again": 400,
    "signed_out": 200,
    "temporarily_unavailable": 503,
}

# The settings of the contract: a page may name no other.
VARIABLES = frozenset(
    {
        "FOTOWEB_URL",
        "FOTOWEB_CACHE",
        "FOTOWEB_CLIENT_ID",
        "FOTOWEB_COOKIE_MODE",
        "FOTOWEB_COOKIE_NAME",
        "FOTOWEB_CLIENT_SECRET",
        "FOTOWEB_SECRET_KEY",
        "FOTOWEB_REDIRECT_URI",
        "FOTOWEB_SEND_REDIRECT_URI",
        "FOTOWEB_PATH_PREFIX",
        "FOTOWEB_PKCE",
        "FOTOWEB_COOKIE_SAMESITE",
        "FOTOWEB_COOKIE_SECURE",
        "FOTOWEB_SESSION_LIFETIME",
        "FOTOWEB_SESSION_IDLE",
        "FOTOWEB_HTTP_TIMEOUT",
        "FOTOWEB_CA_BUNDLE",
        "FOTOWEB_TRUSTED_ORIGINS",
    }
)


@pytest.mark.parametrize(("name", "page"), EVERY_PAGE.items(), ids=EVERY_PAGE.keys())
def test_status(name: str, page: Page) -> None:
    """Each page belongs to the status that the contract gives its case."""
    assert STATUSES[name.partition("/")[0]] == page.status


@pytest.mark.parametrize("page", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_upper_part_is_free_of_jargon(page: Page) -> None:
    """What a visitor reads first names no setting, protocol or code."""
    pieces = [block for block in page.body if isinstance(block, str)]
    pieces += [text for block in page.body if isinstance(block, Items) for text in block.texts]
    jargon = r"FOTOWEB_|`|OAuth|RFC|\bHTTP\b|\bURI\b|\bURL\b|token|state\b|callback|session|middleware|\bproxy\b|\d{3}"

    assert not re.findall(jargon, " ".join([page.title, *pieces]))


@pytest.mark.parametrize("page", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_variables_named_exist(page: Page) -> None:
    """Every variable a page names is one of the contract."""
    assert set(re.findall(r"FOTOWEB_[A-Z_]+", read(page).words())) <= VARIABLES


@pytest.mark.parametrize("page", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_no_emoji(page: Page) -> None:
    """Pages use words, not pictures."""
    assert not [each for each in read(page).words() if unicodedata.category(each) == "So"]


def test_codes_are_stable_names() -> None:
    """A code is lower case with underscores, so that it can be searched for."""
    assert all(re.fullmatch(r"[a-z_]+", page.code) for page in EVERY_PAGE.values())


def test_each_state_problem_has_words_of_its_own() -> None:
    """The ways of a bad state differ in code, heading and text."""
    found = [pages.sign_in_again(reason, LOGIN_URL) for reason in StateProblem]

    assert len(StateProblem) == len({page.title for page in found}) == len({page.body for page in found})
    assert [reason.value for reason in StateProblem] == [p.code for p in found]


@pytest.mark.parametrize("reason", [each for each in StateProblem if each is not StateProblem.REUSED])
def test_sign_in_again_offers_one_way(reason: StateProblem) -> None:
    """A bad state offers to start again."""
    page = pages.sign_in_again(reason, LOGIN_URL, app_url=APP_URL)

    assert (Link("Sign in again", LOGIN_URL),) == page.actions


def test_reused_state_offers_the_app_first() -> None:
    """Who used a login twice is most likely signed in: the app comes first, another login second."""
    page = pages.sign_in_again(StateProblem.REUSED, LOGIN_URL, app_url=APP_URL)

    assert (Link("Continue to the app", APP_URL), Link("Sign in again", LOGIN_URL)) == page.actions


def test_description_is_marked_as_words_of_fotoweb() -> None:
    """FotoWeb's description stands in a quotation that says whose words these are."""
    page = pages.access_denied("No licence", LOGIN_URL)

    assert Quotation("FotoWeb gave this reason:", "No licence") in page.body


@pytest.mark.parametrize("description", [None, "", " \n"])
def test_no_description_no_quotation(description: str | None) -> None:
    """Where FotoWeb said nothing, nothing is quoted."""
    assert not read(pages.access_denied(description, LOGIN_URL)).named("blockquote")


@pytest.mark.parametrize(
    ("error", "names"),
    [
        ("invalid_client", {"FOTOWEB_CLIENT_ID", "FOTOWEB_CLIENT_SECRET"}),
        ("unauthorized_client", {"FOTOWEB_CLIENT_ID", "FOTOWEB_CLIENT_SECRET"}),
        ("invalid_request", {"FOTOWEB_REDIRECT_URI", "FOTOWEB_SEND_REDIRECT_URI", "FOTOWEB_PKCE"}),
        ("invalid_grant", {"FOTOWEB_REDIRECT_URI"}),
        ("", {"FOTOWEB_CLIENT_ID", "FOTOWEB_REDIRECT_URI"}),
    ],
)
def test_fotoweb_error_names_the_mend(error: str, names: set[str]) -> None:
    """Each error code names the settings to look at, and the command that finds the cause."""
    words = read(pages.fotoweb_error(FotoWebStep.CODE, error, LOGIN_URL)).words()

    assert names <= set(re.findall(r"FOTOWEB_[A-Z_]+", words))
    assert "fotoweb-middleware check" in words


@pytest.mark.parametrize("error", ["<script>x</script>", "brand_new_code", "INVALID_CLIENT", "`x`"])
def test_unknown_error_code_is_never_shown(error: str) -> None:
    """A code that OAuth doesn't know chooses the general page and appears nowhere."""
    expected = pages.fotoweb_error(FotoWebStep.AUTHORIZE, "", LOGIN_URL)

    assert expected == pages.fotoweb_error(FotoWebStep.AUTHORIZE, error, LOGIN_URL)


@pytest.mark.parametrize("error", OAUTH_ERRORS)
def test_refused_refresh_says_that_the_session_lives_on(error: str) -> None:
    """Where a refresh fails by the operator's fault the visitor learns that they are still signed in."""
    page = pages.fotoweb_error(FotoWebStep.REFRESH, error, RETRY_URL)

    assert "You have not been signed out." in read(page).words()
    assert (Link("Try again", RETRY_URL),) == page.actions


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
def test_when_to_come_back(seconds: float | None, expected: str) -> None:
    """The page says when to try again, in words, never sooner than Retry-After does."""
    assert f"Please try again {expected}." in pages.fotoweb_unavailable(seconds, None).body
    assert f"Please try again {expected}." in pages.cache_unavailable(seconds).body
    assert f"Please try again {expected}." in pages.temporarily_unavailable(LOGIN_URL, seconds).body


def test_pages_without_a_target_have_no_button() -> None:
    """Where there is nowhere to lead, no button is drawn."""
    without = (
        pages.fotoweb_unavailable(None, None),
        pages.cache_unavailable(None),
        pages.cross_origin_refused(None),
        pages.bad_request_target(None),
        pages.method_not_allowed(("GET",), None),
        pages.no_such_page(None),
    )

    assert not [page for page in without if page.actions or read(page).named("a")]


@pytest.mark.parametrize("page", [pages.fotoweb_unavailable, pages.cache_unavailable])
def test_what_was_sent_in_an_outage(page: Callable[[float | None, str | None], Page]) -> None:
    """Who sent something learns that it did not arrive, and how to send it again; who only looked is not told."""
    sent = "If you were sending something, it did not reach the app; reloading sends it again."

    assert (sent in read(page(5, None)).words(), sent in read(page(5, "/albums")).words()) == (True, False)


def test_form_sent_without_a_session_is_not_lost() -> None:
    """The visitor learns that nothing was processed, and signs in beside the form, not over it."""
    seen = read(EVERY_PAGE["not_signed_in"])

    assert "Nothing that you entered was read or saved." in seen.words()
    assert [a["target"] for a in seen.named("a")] == ["_blank"]


def test_logout_is_confirmed_with_post() -> None:
    """The confirmation page posts to the logout path and offers to stay."""
    page = EVERY_PAGE["confirm_logout"]

    assert (PostButton("Sign out", LOGOUT_URL), Link("Stay signed in", APP_URL)) == page.actions
    assert read(page).named("form") == [{"method": "post", "action": LOGOUT_URL}]


def test_signed_out_tells_that_fotoweb_may_remember() -> None:
    """The signed-out page doesn't promise more than is true: FotoWeb's own session may live on."""
    words = read(EVERY_PAGE["signed_out"]).words()

    assert "FotoWeb itself may still know you in this browser. Signing in again then needs no password." in words


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("cross_origin_refused", {"FOTOWEB_TRUSTED_ORIGINS"}),
        ("no_such_page", {"FOTOWEB_PATH_PREFIX"}),
        ("cache_unavailable", {"FOTOWEB_CACHE"}),
        ("fotoweb_unavailable", {"FOTOWEB_URL", "FOTOWEB_HTTP_TIMEOUT"}),
        ("sign_in_again/UNKNOWN_STATE", {"FOTOWEB_REDIRECT_URI", "FOTOWEB_COOKIE_SECURE", "FOTOWEB_SECRET_KEY"}),
    ],
)
def test_operator_part_names_the_variable(name: str, names: set[str]) -> None:
    """The operator's part names the setting that mends the case."""
    assert names <= set(re.findall(r"FOTOWEB_[A-Z_]+", read(EVERY_PAGE[name]).words()))


def test_method_not_allowed_names_the_methods() -> None:
    """The page says which methods the path does answer."""
    seen = read(EVERY_PAGE["method_not_allowed"])

    assert "This path answers GET and POST." in seen.words()
    assert {"GET", "POST"} <= {text for tag, text in seen.texts if tag == "code"}
