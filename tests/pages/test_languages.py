"""Which language a reader gets."""

from __future__ import annotations

import pytest

from fotoweb_middleware.pages import choose_language


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE-ch", "de"),
        ("nb", "nb"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("sv-SE,sv;q=0.9,en-US;q=0.8", "sv"),
        ("da, nl", "da"),
        ("en;q=0.8, fr;q=0.9", "fr"),
        ("fr ; q=0.2 , nl\t;\tq=0.3", "nl"),
        ("fi, et;q=0.9, de;q=0.1", "de"),
        ("fi", "en"),
        ("*", "en"),
        ("fi, *;q=0.5, de;q=0.4", "en"),
        ("de;q=0", "en"),
        ("de;q=0.0, fr;q=0.001", "fr"),
        ("de;q=1.000, fr", "de"),
    ],
)
def test_choice(accept_language: str | None, expected: str) -> None:
    """The language of the highest quality that there is, the first of equals; a region does not matter."""
    assert expected == choose_language(accept_language)


@pytest.mark.parametrize(
    "accept_language",
    [
        "de;q=2",
        "de;q=-1",
        "de;q=nan",
        "de;q=1e9",
        "de;q=0.9999",
        "de fr",
        ";q=1",
        "dé",
        "de;level=1",
        "\x00de",
        "de_DE",
    ],
)
def test_unreadable_range_is_ignored(accept_language: str) -> None:
    """What RFC 9110 does not allow names no language, and does not harm its neighbours."""
    assert choose_language(accept_language) == "en"
    assert choose_language(f"{accept_language}, fr;q=0.1") == "fr"


def test_long_header_is_cut() -> None:
    """A header of any length costs the same: what stands far behind is not read."""
    assert choose_language("x," * 200 + "de") == "de"
    assert choose_language("x," * 100_000 + "de") == "en"
