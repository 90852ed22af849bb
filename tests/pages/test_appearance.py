"""The operator's name, colour and logo on the pages."""

from __future__ import annotations

import base64
import hashlib
import re
from email.message import Message
from pathlib import Path

import pytest

from fotoweb_middleware import context
from fotoweb_middleware.pages import Page, Pages
from fotoweb_middleware.pages.appearance import accent_style
from tests.pages.every_page import EVERY_PAGE, read
from tests.pages.test_style import DARK, LIGHT, contrast

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="8" height="8"/></svg>'
NAMED = Pages(app_name="Picture <b>Desk</b>")
COLORS = ["#000000", "#ffffff", "#ffcc00", "#e30613", "#0b5666", "#7f7f7f", "#00ff00", "#0000ff", "#ff00ff", "#757575"]


@pytest.mark.parametrize("color", COLORS)
def test_any_colour_is_readable(color: str) -> None:
    """Text in the accent colour, and on it, meets WCAG AA in both schemes, and it stands out from every ground."""
    accents = re.findall(r"--accent: (#[0-9a-f]{6}); --on-accent: (#[0-9a-f]{6});", accent_style(color))

    assert len(accents) == 2
    for (accent, on_accent), scheme in zip(accents, (LIGHT, DARK), strict=True):
        assert contrast(accent, scheme["sheet"]) >= 4.5
        assert contrast(on_accent, accent) >= 4.5
        assert min(contrast(accent, scheme[ground]) for ground in ("page", "aside")) >= 3


def test_readable_colour_stays_as_it_is() -> None:
    """A colour is changed no further than it must be: this one not at all on the light sheet."""
    assert "--accent: #b3261e; --on-accent: #ffffff" in accent_style("#b3261e")


@pytest.mark.parametrize("shown", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_name_stands_at_the_head_and_in_the_title(shown: Page) -> None:
    """The window's title ends in the app's name, and the head says it; markup in it is text."""
    seen = read(shown, NAMED)

    assert "".join(seen.inside("title")).endswith(" \u2013 Picture <b>Desk</b>")
    assert seen.words().startswith("Picture <b>Desk</b> ")
    assert not seen.named("b")


def test_logo_is_a_part_of_the_page(tmp_path: Path) -> None:
    """The logo stands in the page as an image, which runs no script; the policy admits images of this kind alone."""
    logo = tmp_path / "logo.svg"
    logo.write_bytes(SVG)
    pages = Pages(logo=str(logo))

    seen = read(EVERY_PAGE["signed_out"], pages)

    assert seen.named("img") == [{"src": f"data:image/svg+xml;base64,{base64.b64encode(SVG).decode()}", "alt": ""}]
    assert not seen.named("script") + seen.named("svg")
    assert "; img-src data:; " in dict(pages.headers())["Content-Security-Policy"]


def test_policy_admits_no_image_where_there_is_none() -> None:
    """Without a logo or templates of the operator's no image is admitted."""
    assert "img-src" not in dict(Pages(app_name="x", accent_color="#b3261e").headers())["Content-Security-Policy"]


def test_policy_admits_the_style_with_the_colour() -> None:
    """The hash is that of the very style that is sent."""
    pages = Pages(accent_color="#b3261e")
    html = pages.html(EVERY_PAGE["signed_out"], "en")
    style = html.partition(b"<style>")[2].partition(b"</style>")[0]

    assert b"#b3261e" in style
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"'sha256-{digest}'" in dict(pages.headers())["Content-Security-Policy"]


def test_link_to_the_documentation() -> None:
    """Where the documentation's address is known, the operator's part of an error page leads to its code there."""
    pages = Pages(documentation_url="https://docs.example")
    link = b'<a href="https://docs.example/reference/troubleshooting.html#state_missing"'

    assert link in pages.html(EVERY_PAGE["state_missing"], "de")
    assert b"docs.example" not in pages.html(EVERY_PAGE["signed_out"], "de")
    assert b"troubleshooting.html" not in Pages().html(EVERY_PAGE["state_missing"], "de")


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (["Repository, https://code.example", "Documentation, https://docs.example/"], "https://docs.example"),
        (["Repository, https://code.example"], None),
        (None, None),
    ],
)
def test_address_of_the_documentation(
    monkeypatch: pytest.MonkeyPatch, urls: list[str] | None, expected: str | None
) -> None:
    """It is the one that the package's metadata name, without a slash at its end."""
    told = Message()
    for url in urls or []:
        told["Project-URL"] = url
    monkeypatch.setattr(context, "metadata", lambda name: told)

    assert context.documentation_url() == expected
