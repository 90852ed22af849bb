"""The languages of our pages, and which of them a reader gets."""

from __future__ import annotations

import functools
import gettext
import re
from pathlib import Path
from typing import Final

LANGUAGES: Final = ("en", "nb", "de", "sv", "da", "nl", "fr")
"""English stands in the templates; each of the others has a catalogue in ``locales/``."""

LOCALES: Final = Path(__file__).parent / "locales"

_SPELLINGS: Final = {**{language: language for language in LANGUAGES}, "no": "nb", "nn": "nb", "*": "en"}
_LONGEST_HEADER_CHARACTERS: Final = 500
_RANGE: Final = re.compile(
    r"([a-z]{1,8}|\*)(?:-[a-z0-9]{1,8})*[ \t]*(?:;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.ASCII | re.IGNORECASE,
)


def choose_language(accept_language: str | None) -> str:
    """Return which of ``LANGUAGES`` a reader likes best, by the header Accept-Language; English where none.

    The first of the highest quality counts; of a tag such as ``de-CH`` only the language does.

    Source: RFC 9110, section 12.5.4; RFC 4647, section 3.4.
    """
    best, best_quality = "en", 0.0
    for each in (accept_language or "")[:_LONGEST_HEADER_CHARACTERS].split(","):
        found = _RANGE.fullmatch(each.strip(" \t"))
        if found is None:
            continue
        language, quality = _SPELLINGS.get(found[1].lower()), float(found[2] or 1)
        if language is not None and quality > best_quality:
            best, best_quality = language, quality
    return best


@functools.cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Return the texts of a language; read when first needed."""
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation("fotoweb_middleware", LOCALES, [language])
