"""The look: contrast and size, computed from the very style sheet that is sent."""

from __future__ import annotations

import re

import pytest

from fotoweb_middleware.pages.appearance import STYLE

LIGHT, DARK = (
    {**dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})[0-9a-f]{0,2};", block))}
    for block in re.findall(r":root \{([^}]*)\}", STYLE)
)
schemes = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """Give the relative luminance of #rrggbb (WCAG 2.2, "relative luminance")."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of two colours (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    """The ruler measures what WCAG says it does."""
    assert pytest.approx(21) == contrast("#000000", "#ffffff")
    assert pytest.approx(4.48, abs=0.01) == contrast("#777777", "#ffffff")


@schemes
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "sheet"),
        ("ink", "aside"),
        ("quiet", "page"),
        ("quiet", "sheet"),
        ("quiet", "aside"),
        ("accent", "sheet"),
        ("on-accent", "accent"),
    ],
)
def test_text_contrast(colours: dict[str, str], text: str, ground: str) -> None:
    """Every text colour on every ground it stands on reaches WCAG AA for small text (1.4.3)."""
    assert contrast(colours[text], colours[ground]) >= 4.5


@schemes
@pytest.mark.parametrize(
    ("edge", "ground"), [("edge", "sheet"), ("accent", "sheet"), ("accent", "page"), ("accent", "aside")]
)
def test_edge_contrast(colours: dict[str, str], edge: str, ground: str) -> None:
    """Button edges, the mark and the focus ring stand out as WCAG asks of things that are not text (1.4.11)."""
    assert contrast(colours[edge], colours[ground]) >= 3


def test_both_schemes_name_the_same_colours() -> None:
    """No colour of the light scheme is left to shine in the dark one."""
    assert LIGHT.keys() == DARK.keys()
    assert "color-scheme: light dark" in STYLE


def test_every_colour_is_a_property() -> None:
    """Outside the two palettes no colour is written, so the contrasts above are all there are."""
    rules = re.sub(r":root \{[^}]*\}", "", STYLE)
    used = set(re.findall(r"var\(--([a-z-]+)\)", rules))

    assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|opacity|filter", rules)
    assert LIGHT.keys() == used


def test_type_grows_with_the_reader() -> None:
    """No font size is in pixels, and the focus ring is never taken away."""
    assert not re.findall(r"font[a-z-]*:[^;]*\dpx", STYLE)
    assert not re.findall(r"outline:\s*(?:none|0)", STYLE)
    assert ":focus-visible" in STYLE


def test_style_cannot_leave_its_element() -> None:
    """The style sheet holds no angle bracket or ampersand, so HTML changes none of its bytes."""
    assert not set("<&\r\x00") & set(STYLE)
    assert STYLE.isascii()
