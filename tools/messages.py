"""The catalogues of our pages' texts: takes the texts out of the templates, and compiles the translations.

    python tools/messages.py

brings ``fotoweb_middleware/pages/locales`` in line with the templates. What is then missing or marked "fuzzy" in a
``.po`` file is for a person; a test says what. The compiled ``.mo`` files are committed too, so that neither a build
nor an editable install needs Babel.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from fotoweb_middleware.pages.appearance import TEMPLATES
from fotoweb_middleware.pages.languages import LANGUAGES, LOCALES

NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)  # A date of today would change each file each time.


def catalogue_path(language: str) -> Path:
    """Return where the translations into a language stand."""
    return LOCALES / language / "LC_MESSAGES" / "fotoweb_middleware.po"


def extracted() -> Catalog:
    """Return the texts of the templates, each with the templates that it stands in."""
    found = Catalog(project="fotoweb_middleware", charset="utf-8")
    options = {"**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
    for name, _, message, comments, context in extract_from_dir(TEMPLATES, [("**.html", "jinja2")], options):
        found.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return found


def updated(language: str) -> Catalog:
    """Return a language's catalogue with exactly the texts that the templates have now."""
    path = catalogue_path(language)
    catalogue = Catalog(locale=language)
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
    catalogue.update(extracted())
    catalogue.obsolete.clear()
    catalogue.project, catalogue.version = "fotoweb_middleware", "1"
    catalogue.header_comment = "# Translations of the middleware's own pages. `make messages` lays this file out."
    catalogue.creation_date = catalogue.revision_date = NO_DATE
    catalogue.fuzzy = False  # The header; each text has a mark of its own.
    return catalogue


def files(language: str) -> Iterator[tuple[Path, bytes]]:
    """Yield what a language's two files should hold."""
    catalogue, path = updated(language), catalogue_path(language)
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, width=110, include_lineno=False, sort_by_file=True)
    yield path, text.getvalue()
    write_mo(compiled, catalogue)
    yield path.with_suffix(".mo"), compiled.getvalue()


def main() -> int:
    """Write all files, and say what is left to translate; end with 1 where something is."""
    left = 0
    for language in LANGUAGES:
        if language == "en":
            continue
        for path, content in files(language):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        unfinished = [message for message in updated(language) if message.id and (not message.string or message.fuzzy)]
        for message in unfinished:
            print(f"{catalogue_path(language)}: to translate: {message.id!r}")
        left += len(unfinished)
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main())
