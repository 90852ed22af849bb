"""The structure that every page has, and the escaping of what comes from outside."""

from __future__ import annotations

import re

import pytest

from fotoweb_middleware import pages
from fotoweb_middleware.pages import Page, access_denied, render
from fotoweb_middleware.pages.layout import Link, Note, PostButton, Quotation
from tests.pages.every_page import EVERY_PAGE, LOGIN_URL, TARGETS, read

each_page = pytest.mark.parametrize("page", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())

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
)


def test_every_page_function_is_looked_at() -> None:
    """Each public function that gives a Page has a sample here, so that the tests below cover it."""
    makers = {name for name in pages.__all__ if getattr(pages, name).__class__.__name__ == "function"}
    makers -= {"check_target", "origin_of", "problem_json", "render", "security_headers"}

    assert makers == {name.split("/")[0] for name in EVERY_PAGE}


@each_page
def test_document_is_well_nested_english_html5(page: Page) -> None:
    """A page is an HTML5 document in UTF-8 that names its language and nests its elements rightly."""
    seen = read(page)

    assert render(page).startswith(b"<!DOCTYPE html>\n")
    assert seen.named("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in seen.named("meta")
    assert (seen.misnested, seen.open_tags) == ([], [])


@each_page
def test_one_title_one_main_one_h1(page: Page) -> None:
    """A page has one main part with one heading, and the window's title says the same."""
    seen = read(page)

    assert [len(seen.named(tag)) for tag in ("title", "main", "h1")] == [1, 1, 1]
    assert [text for tag, text in seen.texts if tag == "title"] == [text for tag, text in seen.texts if tag == "h1"]


@each_page
def test_no_script_and_nothing_loaded(page: Page) -> None:
    """A page runs no script, carries no style attribute, and loads nothing from anywhere."""
    seen = read(page)
    loading = {"script", "link", "img", "iframe", "object", "embed", "base", "audio", "video", "source", "use", "image"}

    assert not loading & {tag for tag, _ in seen.tags}
    attributes = {name for _, held in seen.tags for name in held}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {"style", "src", "srcset"}
    assert not re.search(r"url\(|@import|@font-face", "".join(text for tag, text in seen.texts if tag == "style"))


@each_page
def test_links_lead_to_given_targets_alone(page: Page) -> None:
    """Every href and every form action is one of the targets that the caller gave, unchanged."""
    seen = read(page)

    assert {a["href"] for a in seen.named("a")} | {form["action"] for form in seen.named("form")} <= TARGETS


@each_page
def test_buttons_have_words_and_foot_names_the_code(page: Page) -> None:
    """Each link and button says what it does; the reference code stands at the foot where something went wrong."""
    seen = read(page)

    labels = [text for tag, text in seen.texts if tag in {"a", "button"} and text.strip()]
    assert len(page.actions) == len(labels)
    assert seen.words().endswith(f"fotoweb-middleware: {page.code}") == (page.status >= 400)


@each_page
def test_operator_part_is_a_named_definition_list(page: Page) -> None:
    """Where there are notes, they stand in one definition list in a section that its heading names."""
    seen = read(page)
    expected = 1 if page.notes else 0

    assert [expected] * 3 == [len(seen.named(tag)) for tag in ("section", "h2", "dl")]
    assert [len(page.notes)] * 2 == [len(seen.named(tag)) for tag in ("dt", "dd")]
    assert [h["id"] for h in seen.named("h2")] == [section["aria-labelledby"] for section in seen.named("section")]


@each_page
def test_no_backtick_is_left_over(page: Page) -> None:
    """The marks for code come in pairs: none is left in the text of a page."""
    assert "`" not in read(page).words()


@pytest.mark.parametrize("words", HOSTILE)
def test_outside_words_are_text_and_nothing_else(words: str) -> None:
    """Hostile words in FotoWeb's description add no element and no attribute, and read as they were sent."""
    plain, hostile = read(access_denied("harmless", LOGIN_URL)), read(access_denied(words, LOGIN_URL))

    assert plain.tags == hostile.tags
    assert words in hostile.words()


@pytest.mark.parametrize("words", HOSTILE)
def test_every_field_of_a_page_is_escaped(words: str) -> None:
    """No field of a page is trusted: hostile words in any of them add no script, image or link."""
    actions = (Link(words, "/"), PostButton(words, "/"))
    page = Page(words, 200, words, (words, Quotation(words, words)), actions, (Note(words, words),))
    seen = read(page)

    assert not {"script", "img"} & {tag for tag, _ in seen.tags}
    assert seen.named("a") == [{"class": "action first", "href": "/"}]
    assert (seen.misnested, seen.open_tags) == ([], [])


@pytest.mark.parametrize("target", ['/"onclick="alert(1)', "/'onclick='x", "/><script>alert(1)</script>"])
def test_target_cannot_leave_its_attribute(target: str) -> None:
    """A target with quotes or angle brackets stays one attribute's value, in a link and in a form."""
    seen = read(Page("x", 200, "x", (), (Link("x", target), PostButton("x", target))))

    assert seen.named("a") == [{"class": "action first", "href": target}]
    assert seen.named("form") == [{"method": "post", "action": target}]
    assert not seen.named("script")


def test_target_is_escaped_in_its_attribute() -> None:
    """An ampersand in a target arrives as one, in a link and in a form."""
    html = render(Page("x", 200, "x", (), (Link("x", "/a?b=1&copy=2"), PostButton("x", "/c?d=1&copy=2")))).decode()

    assert 'href="/a?b=1&amp;copy=2"' in html
    assert 'action="/c?d=1&amp;copy=2"' in html


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
    html = render(access_denied(words, LOGIN_URL)).decode("utf-8")

    assert not set(words) - set("ab[2J<>script ") - {"\n"} & set(html)
    assert "<b>" not in html


def test_letters_of_other_languages_stay() -> None:
    """FotoWeb may speak Norwegian or Greek: its letters stay as they are."""
    assert "Brukeren må ha lisens: Ωμέγα 写真" in read(access_denied("Brukeren må ha lisens: Ωμέγα 写真", "/")).words()


def test_long_description_is_cut() -> None:
    """At most 500 characters of FotoWeb's words are shown, the last of them an ellipsis."""
    seen = read(access_denied("x" * 100_000, LOGIN_URL))

    assert [text for tag, text in seen.texts if tag == "blockquote"] == ["x" * 499 + "…"]


def test_description_of_500_characters_is_whole() -> None:
    """A description of exactly 500 characters is not cut."""
    seen = read(access_denied("x" * 500, LOGIN_URL))

    assert [text for tag, text in seen.texts if tag == "blockquote"] == ["x" * 500]


def test_surrogates_in_our_own_fields_do_not_break_the_page() -> None:
    """A lone surrogate in any text is replaced instead of ending in an encoding error."""
    assert b"<h1>a?</h1>" in render(Page("x", 200, "a\udcff", ()))


def test_code_is_marked_and_apostrophes_are_set() -> None:
    """In our own texts backticks mark code, kept to the letter, and apostrophes are typographic around it."""
    html = render(Page("x", 200, "x", ("It's `it's <b>` & so",))).decode()

    assert "<p>It’s <code>it&#x27;s &lt;b&gt;</code> &amp; so</p>" in html  # noqa: RUF001


def test_new_tab_cannot_reach_back() -> None:
    """A link that opens a new tab gives the new page no handle on this one."""
    assert [a["rel"] for a in read(EVERY_PAGE["not_signed_in"]).named("a")] == ["noopener noreferrer"]
