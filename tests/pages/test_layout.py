"""The structure that every page has, and the escaping of what comes from outside."""

from __future__ import annotations

import dataclasses
import re

import jinja2
import pytest

from fotoweb_middleware.pages import PAGE_CODES, Page, page
from tests.pages.every_page import EVERY_PAGE, LOGIN_URL, PAGES, TARGETS, detail, read, title

each_page = pytest.mark.parametrize("shown", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())

# The first four are those of the threat model; the rest are other ways out of a text or an attribute.
HOSTILE = (
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "'-alert(1)-'",
    "</style><script>alert(1)</script>",
    "--><svg onload=alert(1)>",
    "<a href=https://evil.example>click</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "`</code><script>`",
    "+ADw-script+AD4-",
    "{{ 7 * 7 }}{% raw %}",
    "%(code)s %s %",
)
NO_OPERATOR_PART = ("confirm_logout", "signed_out")
"""The pages on which nothing is left for the operator to know."""


def denied(description: str) -> Page:
    """Return the page that quotes FotoWeb."""
    return page("access_denied", description=description, login_url=LOGIN_URL)


def test_every_page_is_looked_at() -> None:
    """Each code has a sample, so that the tests below cover it, and a sample has no other code."""
    assert set(PAGE_CODES) == {shown.code for shown in EVERY_PAGE.values()}
    assert len(PAGE_CODES) == len(set(PAGE_CODES))


@each_page
def test_document_is_well_nested_english_html5(shown: Page) -> None:
    """A page is an HTML5 document in UTF-8 that names its language and nests its elements rightly."""
    seen = read(shown)

    assert PAGES.html(shown, "en").startswith(b"<!DOCTYPE html>\n")
    assert seen.named("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in seen.named("meta")
    assert (seen.misnested, seen.open_tags) == ([], [])


@each_page
def test_one_title_one_main_one_h1(shown: Page) -> None:
    """A page has one main part with one heading, and the window's title says the same."""
    seen = read(shown)

    assert [len(seen.named(tag)) for tag in ("title", "main", "h1")] == [1, 1, 1]
    assert seen.inside("title") == seen.inside("h1")
    assert not {"h2", "h3"} & {tag for tag, _ in seen.tags}


@pytest.mark.parametrize("shown", [shown for name, shown in EVERY_PAGE.items() if name != "not_signed_in"])
def test_title_and_detail_are_plain_text_of_the_page(shown: Page) -> None:
    """What a problem document says is the heading and the first paragraph, without marks and in plain apostrophes."""
    seen = read(shown)
    plain = seen.words().replace("\u2019", "'")

    assert f"FotoWeb sign-in {title(shown)} {detail(shown)}" in plain
    assert [title(shown)] == [text.replace("\u2019", "'") for text in seen.inside("h1")]
    assert not re.search(r"[<>&\n\u2019]|\s\s", title(shown) + detail(shown))
    assert detail(shown).endswith((".", ":"))


def test_program_without_a_session_gets_words_of_its_own() -> None:
    """A fetch sent no form: its problem document says what a person can do, since apps show its detail as it is."""
    shown = EVERY_PAGE["not_signed_in"]
    expected = ("Not signed in", "You are signed out. Reload the page to sign in.")

    assert expected == (title(shown), detail(shown))
    assert "login_url" not in read(shown).words()


@each_page
def test_no_script_and_nothing_loaded(shown: Page) -> None:
    """A page runs no script, carries no style attribute, and loads nothing from anywhere (R-OP2)."""
    seen = read(shown)
    loading = {"script", "link", "img", "iframe", "object", "embed", "base", "audio", "video", "source", "use", "image"}

    assert not loading & {tag for tag, _ in seen.tags}
    attributes = {name for _, held in seen.tags for name in held}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {"style", "src", "srcset"}
    assert not re.search(r"url\(|@import|@font-face", "".join(text for tag, text in seen.texts if tag == "style"))


@each_page
def test_links_lead_to_given_targets_alone(shown: Page) -> None:
    """Every href and every form action is one of the targets that the caller gave, unchanged."""
    seen = read(shown)

    assert {a["href"] for a in seen.named("a")} | {form["action"] for form in seen.named("form")} <= TARGETS


@each_page
def test_buttons_have_words_and_foot_names_the_code(shown: Page) -> None:
    """Each link and button says what it does; the reference code stands at the foot where something went wrong."""
    seen = read(shown)

    assert len(seen.actions()) in ({0} if shown.code in {"bad_request_target", "wrapped_twice"} else {1, 2, 3})
    assert seen.words().endswith(f"fotoweb-middleware: {shown.code}") == (shown.status >= 400)


@each_page
def test_operator_part_is_folded_away(shown: Page) -> None:
    """What the operator should know stands in one closed <details> below the reader's part, as a definition list."""
    seen = read(shown)
    expected = [] if shown.code in NO_OPERATOR_PART else [{"class": "operator"}]

    assert expected == seen.named("details")
    assert len(expected) == len(seen.named("summary"))
    assert [{"lang": "en"}] * len(expected) == seen.named("dl")
    assert len(seen.named("dt")) == len(seen.named("dd")) >= len(expected)
    assert seen.inside("summary") == ["What the operator should know"] * len(expected)


@each_page
def test_settings_are_named_in_code_alone(shown: Page) -> None:
    """No variable and no backtick is left outside of a <code> element."""
    assert not [
        text for tag, text in read(shown).texts if tag not in {"code", "style"} and re.search("`|FOTOWEB_", text)
    ]


@pytest.mark.parametrize("words", HOSTILE)
def test_outside_words_are_text_and_nothing_else(words: str) -> None:
    """Hostile words in FotoWeb's description add no element and no attribute, and read as they were sent (R-OP1)."""
    plain, hostile = read(denied("harmless")), read(denied(words))

    assert plain.tags == hostile.tags
    assert words in hostile.words()


@pytest.mark.parametrize("words", HOSTILE)
def test_every_value_is_escaped(words: str) -> None:
    """No value is trusted, though callers give none from outside: neither methods nor a length add an element."""
    methods = read(page("method_not_allowed", allowed=(words,), app_url="/"))
    loop = read(page("loop_cookie_lost", login_url="/", characters=words))

    assert methods.tags == read(page("method_not_allowed", allowed=("GET",), app_url="/")).tags
    assert loop.tags == read(page("loop_cookie_lost", login_url="/", characters=1)).tags
    assert words in methods.words()


@pytest.mark.parametrize(
    "words",
    [
        "a\x00b",
        "a\x1b[2Jb",
        "a\u202eb",
        "a\u2028b",
        "a\udcffb",
        "a\ufffe\x85\x7f\u200bb",
        "a\r\n\r\n<b>",
        b"\xff\xfea\xc0\xbcscript".decode("utf-8", errors="surrogateescape"),
    ],
)
def test_invisible_characters_become_spaces(words: str) -> None:
    """Control, bidi, separator, unassigned and surrogate characters never reach the page."""
    html = PAGES.html(denied(words), "en").decode("utf-8")

    assert not set(words) - set("ab[2J<>script ") - {"\n"} & set(html)
    assert "<b>" not in html


def test_letters_of_other_languages_stay() -> None:
    """FotoWeb may speak Norwegian or Greek: its letters stay as they are."""
    assert "Brukeren må ha lisens: Ωμέγα 写真" in read(denied("Brukeren må ha lisens: Ωμέγα 写真")).words()


def test_long_description_is_cut() -> None:
    """At most 500 characters of FotoWeb's words are shown, the last of them an ellipsis."""
    assert read(denied("x" * 100_000)).inside("blockquote") == ["x" * 499 + "…"]


def test_description_of_500_characters_is_whole() -> None:
    """A description of exactly 500 characters is not cut."""
    assert read(denied("x" * 500)).inside("blockquote") == ["x" * 500]


def test_description_may_run_from_right_to_left() -> None:
    """The browser finds out the direction of words that are not ours."""
    assert read(denied("x")).named("blockquote") == [{"dir": "auto"}]


def test_surrogates_do_not_break_the_page() -> None:
    """A lone surrogate is replaced instead of ending in an encoding error."""
    assert b"<code>a?</code>" in PAGES.html(page("method_not_allowed", allowed=("a\udcff",), app_url="/"), "en")


def test_new_tab_cannot_reach_back() -> None:
    """A link that opens a new tab gives the new page no handle on this one."""
    assert [a["rel"] for a in read(EVERY_PAGE["not_signed_in"]).named("a")] == ["noopener noreferrer"]


def test_repr_holds_no_address() -> None:
    """A page in a log or a traceback names its case, and not where somebody was going."""
    assert repr(EVERY_PAGE["not_signed_in"]) == "Page(code='not_signed_in', status=401)"


@each_page
def test_a_missing_value_is_an_error(shown: Page) -> None:
    """A page that lacks a value is never shown with a hole: rendering fails, unless this page has no use for it."""
    for name in shown.context:
        rest = {other: value for other, value in shown.context.items() if other != name}
        try:
            html = PAGES.html(dataclasses.replace(shown, context=rest), "en")
        except jinja2.UndefinedError:
            continue
        assert html == PAGES.html(shown, "en")


def test_a_missing_target_is_an_error() -> None:
    """The error names what is missing."""
    with pytest.raises(jinja2.UndefinedError, match="login_url"):
        PAGES.html(page("not_signed_in"), "en")
