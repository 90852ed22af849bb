"""What the pages look like: the style sheet, the operator's accent colour and logo."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final, TypeAlias

from fotoweb_middleware.errors import SettingsError

TEMPLATES: Final = Path(__file__).parent / "templates"

# Read once: layout.html writes this very text into each page, so it always matches the hash in the headers.
STYLE: Final = (TEMPLATES / "style.css").read_text(encoding="utf-8")

Color: TypeAlias = tuple[int, ...]

WHITE: Final[Color] = (255, 255, 255)
BLACK: Final[Color] = (0, 0, 0)
DARK_SHEET: Final[Color] = (0x1B, 0x1F, 0x22)  # --sheet of the dark scheme in style.css.
LEAST_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3 (AA)


def accent_style(accent_color: str) -> str:
    """Return the style sheet's colours for an accent colour, ``#rrggbb``, one for each scheme.

    A colour that would be hard to read is darkened on the light sheet and lightened on the dark one, as far as needed.
    White, or black in the dark scheme, is then readable on it.
    """
    color = tuple(bytes.fromhex(accent_color[1:]))
    light, dark = readable(color, WHITE, towards=BLACK), readable(color, DARK_SHEET, towards=WHITE)
    return (
        f":root {{ --accent: {light}; --on-accent: #ffffff; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --on-accent: #000000; }} }}\n"
    )


def readable(color: Color, ground: Color, *, towards: Color) -> str:
    """Return the colour, mixed with as little of another as makes it readable on a ground."""
    mixed = color
    for percent in range(1, 101):
        if contrast(mixed, ground) >= LEAST_CONTRAST:
            break
        mixed = tuple(round(one + (other - one) * percent / 100) for one, other in zip(color, towards, strict=True))
    return f"#{bytes(mixed).hex()}"


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, "contrast ratio" and "relative luminance")."""

    def luminance(color: Color) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in color)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def data_url(image: bytes) -> str:
    """Return a PNG or SVG as part of a page. As an image, an SVG runs no script and loads nothing."""
    kind = "png" if image.startswith(b"\x89PNG") else "svg+xml"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def read_own_style(folder: Path) -> str:
    """Return the operator's ``style.css``, or nothing where there is none.

    Raises:
        SettingsError: It can't be read, or would end the <style> element that it stands in.
    """
    path = folder / "style.css"
    try:
        style = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"FOTOWEB_PAGES: style.css can't be read: {error}") from error
    if "</" in style or "\x00" in style:
        raise SettingsError("FOTOWEB_PAGES: style.css holds '</', which would end the page's style element.")
    return style
