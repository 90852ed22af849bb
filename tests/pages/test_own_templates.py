"""Templates of the operator's: they go before ours, and can break no login."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from pathlib import Path

import pytest

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.pages import Pages
from tests.pages.every_page import EVERY_PAGE, PAGES, read

DOCS = Path(__file__).parents[2] / "docs/how-to/change-the-pages.md"
SHOWN = EVERY_PAGE["signed_out"]


def with_files(folder: Path, **files: str) -> Pages:
    """Return pages with these templates, by their names without the ending; ``style`` is the style sheet."""
    for name, text in files.items():
        (folder / ("style.css" if name == "style" else f"{name}.html")).write_text(text, encoding="utf-8")
    return Pages(folder=str(folder))


def test_own_template_replaces_ours(tmp_path: Path) -> None:
    """A template of the same name goes before the built-in one, and it alone."""
    pages = with_files(tmp_path, signed_out="<p>Bye, {{ login_url }}</p>")

    assert pages.html(SHOWN, "en") == b"<p>Bye, /mount/oauth2/login?next=%2Falbums%3Fa%3D1&amp;b=2</p>"
    assert "Open the app" in read(EVERY_PAGE["no_such_page"], pages).words()


def test_own_layout_is_around_every_page(tmp_path: Path) -> None:
    """A layout can extend the one that it replaces; the built-in pages then stand in it."""
    pages = with_files(
        tmp_path, layout='{% extends "builtin/layout.html" %}{% block footer %}<p>Ours</p>{{ super() }}{% endblock %}'
    )

    assert all("Ours" in read(shown, pages).words() for shown in EVERY_PAGE.values())
    assert "fotoweb-middleware: no_such_page" in read(EVERY_PAGE["no_such_page"], pages).words()


@pytest.mark.parametrize(
    "template",
    [
        "{{ no_such_name }}",
        "{% extends 'no_such_template.html' %}",
        "{% extends 'signed_out.html' %}",
        "{{ 1 / 0 }}",
        "{{ login_url.no_such_method() }}",
    ],
)
def test_failing_template_breaks_no_page(tmp_path: Path, template: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where a template fails the built-in page is sent each time, and the log has one error that names the page."""
    pages = with_files(tmp_path, signed_out=template)

    for _ in range(2):  # Anybody may ask for such a page, again and again.
        assert read(SHOWN, pages).words() == read(SHOWN).words()
    (record,) = caplog.records
    assert (record.levelno, "signed_out" in record.getMessage()) == (logging.ERROR, True)
    assert record.exc_info is not None


@pytest.mark.parametrize("template", ["{% block body %}", "{% if %}", "{{ a b }}", "{% no_such_tag %}"])
def test_broken_template_is_an_error_at_start(tmp_path: Path, template: str) -> None:
    """A template that can't be read ends the start, with its name and line."""
    with pytest.raises(SettingsError, match=r"FOTOWEB_PAGES: the template signed_out.html, line 2 can't be used: "):
        with_files(tmp_path, signed_out=f"\n{template}")


def test_template_that_is_no_text_is_an_error_at_start(tmp_path: Path) -> None:
    """A file in another encoding ends the start, with its name."""
    (tmp_path / "layout.html").write_bytes(b"\xff\xfe")

    with pytest.raises(SettingsError, match=r"FOTOWEB_PAGES: the template layout.html can't be used: "):
        Pages(folder=str(tmp_path))


def test_own_style_is_added(tmp_path: Path) -> None:
    """The policy admits ours and the operator's style together, line breaks of any system included."""
    (tmp_path / "style.css").write_bytes(b"header { color: red; }\r\n")
    pages = Pages(folder=str(tmp_path), accent_color="#b3261e")
    html = pages.html(SHOWN, "en")
    style = html.partition(b"<style>")[2].partition(b"</style>")[0]

    assert style.startswith(PAGES.style.encode())
    assert style.endswith(b"header { color: red; }\n")
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"style-src 'sha256-{digest}'; img-src data:; " in dict(pages.headers())["Content-Security-Policy"]


@pytest.mark.parametrize("style", [b"</style><script>", b"a { content: '\x00' }", b"\xff\xfe"])
def test_style_that_would_leave_its_element_is_an_error_at_start(tmp_path: Path, style: bytes) -> None:
    """A style sheet that ends its element, or is no text, ends the start."""
    (tmp_path / "style.css").write_bytes(style)

    with pytest.raises(SettingsError, match=r"^FOTOWEB_PAGES: style\.css "):
        Pages(folder=str(tmp_path))


def test_problem_documents_keep_our_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What programs get does not hang on the operator's templates."""
    pages = with_files(tmp_path, layout="{% block title %}{% endblock %}{{ nothing }}", not_signed_in="{{ nothing }}")

    assert pages.words(EVERY_PAGE["not_signed_in"], "nb")[0] == "Ikke innlogget"
    assert caplog.records == []


def test_example_of_the_documentation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The templates of docs/how-to/change-the-pages.md work on every page, in two languages."""
    blocks = re.findall(r"^```\w+ title=(\S+)\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for name, text in blocks:
        (tmp_path / name).write_text(text, encoding="utf-8")
    pages = Pages(folder=str(tmp_path))

    assert [name for name, _ in blocks] == ["layout.html", "signed_out.html", "style.css"]
    for shown in EVERY_PAGE.values():
        english, norwegian = read(shown, pages), read(shown, pages, "nb")
        assert "Ask the picture desk" in english.words()
        assert ("Thank you for today." in english.words()) == (shown.code == "signed_out")
        assert ("Takk for i dag!" in norwegian.words()) == (shown.code == "signed_out")
    assert caplog.records == []
