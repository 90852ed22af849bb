"""Every text of the templates goes through gettext, in a form that Babel can extract."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2 import nodes

from fotoweb_middleware.pages import Page
from fotoweb_middleware.pages.headers import TEMPLATES
from fotoweb_middleware.pages.render import _ENVIRONMENT
from tests.pages.every_page import EVERY_PAGE, Seen

NAMES = sorted(path.name for path in TEMPLATES.glob("*.html"))
TAG = re.compile(r"<[^>]*>")
GETTEXT = {"_", "gettext", "ngettext"}


def untranslated(source: str) -> str:
    """Return the letters of a template that a reader would see and that pass no translation."""
    tree = _ENVIRONMENT.parse(source)
    fixed = "".join(data.data for data in tree.find_all(nodes.TemplateData))
    quoted = "".join(str(node.value) for output in tree.find_all(nodes.Output) for node in plain_strings(output))
    return " ".join(re.findall(r"[^\W\d_]+", TAG.sub(" ", fixed) + quoted))


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
    """No template holds words outside of {% trans %} and _()."""
    assert untranslated((TEMPLATES / name).read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        "{% if x %}{% trans %}a{% endtrans %} or{% endif %}",
        "{{ 'Hello' }}",
        "{{ macro('Hello') }}",
        "{% trans %}a{% endtrans %}<a href='/'>back</a>",
    ],
)
def test_text_without_translation_is_found(source: str) -> None:
    """The rule above is seen red."""
    assert untranslated(source)


@pytest.mark.parametrize("name", NAMES)
def test_texts_can_be_extracted(name: str) -> None:
    """What an extractor finds is one line per text, so that a change of line breaks changes no catalogue."""
    extract: Callable[[str], Iterator[tuple[int, str, Any]]] = _ENVIRONMENT.extract_translations  # type: ignore[attr-defined]
    found = [message for _, _, message in extract((TEMPLATES / name).read_text(encoding="utf-8"))]
    texts = [text for message in found for text in (message if isinstance(message, tuple) else (message,)) if text]

    assert texts
    assert not [text for text in texts if "\n" in text or text != text.strip()]


@pytest.mark.parametrize("shown", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_another_language_reaches_the_page(shown: Page) -> None:
    """With another catalogue no English is left but names, marks of code and words from outside."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(TEMPLATES)), autoescape=True, extensions=["jinja2.ext.i18n"]
    )
    environment.globals["style"] = ""
    environment.install_gettext_callables(mask, lambda one, many, n: mask(many), newstyle=True)  # type: ignore[attr-defined]
    seen = Seen()
    seen.feed(environment.get_template(shown.template).render(shown.context, code=shown.code, status=shown.status))

    rest = [
        text for tag, text in seen.texts if tag not in {"code", "blockquote", "bdi"} and re.search(r"[A-Za-wyz]", text)
    ]
    assert rest == []


def mask(message: str) -> str:
    """Translate into a language of one letter, and keep placeholders and elements."""
    return re.sub(r"(%\(\w+\)s|<[^>]*>)|\w", lambda found: found[1] or "x", message)
