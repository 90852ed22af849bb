"""Every text for the reader goes through gettext, and is there in each language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from jinja2 import nodes

from fotoweb_middleware.pages import Page
from fotoweb_middleware.pages.appearance import TEMPLATES
from fotoweb_middleware.pages.languages import LANGUAGES
from fotoweb_middleware.pages.render import make_environment
from tests.pages.every_page import EVERY_PAGE, PAGES, Seen, read
from tools.messages import catalogue_path, extracted

NAMES = sorted(path.name for path in TEMPLATES.glob("*.html"))
TAG = re.compile(r"<[^>]*>")
GETTEXT = {"_", "gettext", "ngettext"}
ENVIRONMENT = make_environment("en", None)
OTHER_LANGUAGES = [language for language in LANGUAGES if language != "en"]


def untranslated(source: str) -> str:
    """Return the letters of a template that a reader would see and that pass no translation."""
    tree = ENVIRONMENT.parse(source)
    parts: list[nodes.Block | nodes.Macro] = [*tree.find_all(nodes.Block), *tree.find_all(nodes.Macro)]
    operators = [part for part in parts if is_for_the_operator(part)]
    english = {id(node) for part in operators for node in part.find_all((nodes.TemplateData, nodes.Output))}
    fixed = "".join(data.data for data in tree.find_all(nodes.TemplateData) if id(data) not in english)
    outputs = [output for output in tree.find_all(nodes.Output) if id(output) not in english]
    quoted = "".join(str(node.value) for output in outputs for node in plain_strings(output))
    return " ".join(re.findall(r"[^\W\d_]+", TAG.sub(" ", fixed) + quoted))


def is_for_the_operator(part: nodes.Block | nodes.Macro) -> bool:
    """Return whether a block or macro stands in the operator's part, which is English in every language."""
    return part.name == "operator" or part.name.startswith("note_")


def plain_strings(node: nodes.Node) -> Iterator[nodes.Const]:
    """Give the strings that an output writes, without those that gettext gets or that are compared."""
    for child in node.iter_child_nodes():
        is_gettext = isinstance(child, nodes.Call) and isinstance(child.node, nodes.Name) and child.node.name in GETTEXT
        if isinstance(child, nodes.Const) and isinstance(child.value, str):
            yield child
        elif not is_gettext:
            yield from plain_strings(child)


@pytest.mark.parametrize("name", NAMES)
def test_every_text_is_translated(name: str) -> None:
    """No template holds words for the reader outside of {% trans %} and _()."""
    assert untranslated((TEMPLATES / name).read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        "{% if x %}{% trans %}a{% endtrans %} or{% endif %}",
        "{{ 'Hello' }}",
        "{{ macro('Hello') }}",
        "{% trans %}a{% endtrans %}<a href='/'>back</a>",
        "{% block body %}Hello{% endblock %}{% block operator %}{% endblock %}",
    ],
)
def test_text_without_translation_is_found(source: str) -> None:
    """The rule above is seen red."""
    assert untranslated(source)


def test_texts_are_one_line_each() -> None:
    """A change of line breaks in a template changes no catalogue."""
    texts = [text for message in extracted() for text in ids(message)]

    assert len(texts) > 100
    assert not [text for text in texts if "\n" in text or text != text.strip()]


def test_operator_part_is_english() -> None:
    """No catalogue holds a text of the operator's part, which names settings."""
    assert not [text for message in extracted() for text in ids(message) if "FOTOWEB_" in text]


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_catalogue_is_complete(language: str) -> None:
    """A catalogue has exactly the texts of the templates, each translated and none in doubt (`make messages`)."""
    catalogue = read_catalogue(language)

    assert {message.id for message in extracted()} == {message.id for message in catalogue}
    assert not catalogue.obsolete
    assert [message.id for message in catalogue if message.id and (message.fuzzy or not all(strings(message)))] == []
    assert not [message.id for message in catalogue if len(strings(message)) not in {1, catalogue.num_plurals}]


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_translations_keep_placeholders_and_elements(language: str) -> None:
    """Each translation has the placeholders and elements of the English text, and no other: it is trusted as HTML."""
    wrong = [
        (message.id, text)
        for message in read_catalogue(language)
        if message.id
        for number, text in enumerate(strings(message))
        if marks(text) != marks(ids(message)[min(number, len(ids(message)) - 1)])
    ]

    assert wrong == []


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_compiled_catalogue_is_up_to_date(language: str) -> None:
    """What the package reads is what the translators wrote (`make messages`)."""
    with catalogue_path(language).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)

    assert translations(read_catalogue(language)) == translations(compiled)


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_every_language_says_something_else(language: str) -> None:
    """No text is the English one by mistake, or the same in another place."""
    catalogue = read_catalogue(language)

    assert not [message.id for message in catalogue if message.id and set(ids(message)) & set(strings(message))]


@pytest.mark.parametrize("shown", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_another_language_reaches_the_page(shown: Page) -> None:
    """A page in another language says so, and has no English left in the reader's part."""
    english, norwegian = read(shown), read(shown, language="nb")

    assert norwegian.named("html") == [{"lang": "nb"}]
    assert not reader_texts(english) & reader_texts(norwegian)


def test_operator_part_says_that_it_is_english() -> None:
    """Screen readers read the operator's part with an English voice."""
    assert read(EVERY_PAGE["no_such_page"], language="de").named("dl") == [{"lang": "en"}]


@pytest.mark.parametrize(("language", "seconds"), [(language, each) for language in LANGUAGES for each in (1, 2, 59)])
def test_plural_forms(language: str, seconds: int) -> None:
    """One second has words of its own, and more are told as a number in every language."""
    words = PAGES.html(EVERY_PAGE["fotoweb_unavailable"], language).decode()
    shown = Page("x", 503, "fotoweb_unavailable.html", {"retry_after_seconds": seconds, "retry_url": "/"})

    assert (f" {seconds} " in reader_words(shown, language)) == (seconds > 1)
    assert "in 30 seconds" not in words or language == "en"


def reader_words(shown: Page, language: str) -> str:
    """Give the text of the reader's part in one line."""
    return " ".join(sorted(reader_texts(read(shown, language=language))))


def reader_texts(seen: Seen) -> set[str]:
    """Give the texts of a page, without the operator's part, codes, and words of FotoWeb."""
    texts = [(tag, " ".join(text.split())) for tag, text in seen.texts]
    return {text for tag, text in texts if text and tag not in {"style", "code", "blockquote", "bdi", "dt", "dd"}}


def read_catalogue(language: str) -> Catalog:
    """Return what the translators wrote."""
    with catalogue_path(language).open("rb") as file:
        return read_po(file, locale=language)


def translations(catalogue: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Give each text with its translation."""
    return {ids(message): strings(message) for message in catalogue if message.id}


def ids(message: Message) -> tuple[str, ...]:
    """Give the English text, or its singular and plural."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def strings(message: Message) -> tuple[str, ...]:
    """Give the translation, or all its plural forms."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def marks(text: str) -> Counter[str]:
    """Count the placeholders, elements and percent signs of a text."""
    return Counter(re.findall(r"%(?:\(\w+\)s)?|<[^>]*>", text))
