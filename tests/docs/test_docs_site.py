"""``tools/docs_site.py``: what it puts into the site, and what its check finds. The site itself: ``make docs``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.docs_site import ROOT, check, for_site, places_in_site, stage

PLACES = places_in_site(ROOT)


def pages_in(nav: list[Any]) -> Iterator[str]:
    """Yield the pages of a navigation."""
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from [value] if isinstance(value, str) else pages_in(value)


def test_every_page_is_in_the_navigation() -> None:
    """Each page has one line in ``nav``, but for decisions, which their index lists."""
    config = tomllib.loads((ROOT / "docs/zensical.toml").read_text(encoding="utf-8"))
    pages = [place for place in PLACES.values() if place.endswith(".md")]

    in_nav = sorted(pages_in(config["project"]["nav"]))

    assert in_nav == sorted(page for page in pages if not page.startswith("internals/adr/0"))


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("docs/internals/README.md", "../../CONTRIBUTING.md", "contributing.md"),
        ("docs/README.md", "../SECURITY.md#reporting", "security-policy.md#reporting"),
        ("CHANGELOG.md", "docs/README.md", "index.md"),
        ("docs/how-to/flask.md", "../../README.md", "../index.md"),
        ("CONTRIBUTING.md", "docs/reference/performance.md", "../reference/performance.md"),
        ("examples/README.md", "flask_app.py", "flask_app.md"),
        ("docs/README.md", "https://example.com/README.md", "https://example.com/README.md"),
        ("docs/README.md", "#events", "#events"),
    ],
)
def test_links_fit_the_site(source: str, link: str, expected: str) -> None:
    """A link leads to where the site has its target."""
    assert for_site(f"[text]({link})", source, PLACES) == f"[text]({expected})"


def test_links_to_files_that_the_site_does_not_have_are_words_only() -> None:
    """Of a link to the code the words are left; one that leads nowhere stays, for Zensical to find."""
    text = "[the code](../fotoweb_middleware/handler.py#L1), [the folder](../tests), [nothing](../gone.md)"

    assert for_site(text, "docs/README.md", PLACES) == "the code, the folder, [nothing](../gone.md)"


def test_words_behind_the_language_of_a_block_are_left_out() -> None:
    """Zensical takes a fence with one word behind it."""
    assert for_site("```python flask-login\ncode\n```\n", "docs/README.md", PLACES) == "```python\ncode\n```\n"


def test_pages_and_examples_are_put_into_place(tmp_path: Path) -> None:
    """The home page, a picture and an example's code are where the links lead."""
    stage(ROOT, tmp_path)

    assert (tmp_path / "index.md").read_text(encoding="utf-8").startswith("# ")
    assert (tmp_path / "pictures/dash.png").is_file()
    assert "```python\n" in (tmp_path / "examples/flask_app.md").read_text(encoding="utf-8")


def test_what_maintainers_read_is_not_searched(tmp_path: Path) -> None:
    """The search leaves out the internals and the changelog, and nothing else."""
    stage(ROOT, tmp_path)

    hidden = {path for path in tmp_path.rglob("*.md") if "  exclude: true\n" in path.read_text(encoding="utf-8")}
    assert hidden == {tmp_path / "changelog.md", *(tmp_path / "internals").rglob("*.md")}


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone.html">', "gone.html leads nowhere"),
        ('<a href="/gone.html">', "/gone.html leads nowhere"),
        ('<a href="#gone">', "#gone has no such anchor"),
        ('<a href="folder/#gone">', "folder/#gone has no such anchor"),
        ('<img src="gone.png">', "gone.png leads nowhere"),
        ('<img src="https://cdn.example/a.png">', "fetches https://cdn.example/a.png"),
        ('<link rel="preload stylesheet" href="//cdn.example/a.css">', "fetches //cdn.example/a.css"),
        ('<script src="https://cdn.example/a.js"></script>', "fetches https://cdn.example/a.js"),
        ('<pre class="mermaid"></pre>', "fetches https://unpkg.com/mermaid"),
    ],
)
def test_the_check_finds(html: str, fault: str, tmp_path: Path) -> None:
    """A broken link, a missing anchor or something from another host is named with its page."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/index.html").write_text("<p>", encoding="utf-8")
    (tmp_path / "index.html").write_text(html, encoding="utf-8")

    assert check(tmp_path) == [f"index.html: {fault}"]


def test_the_check_finds_a_font_from_elsewhere(tmp_path: Path) -> None:
    """A stylesheet may fetch nothing from another host."""
    (tmp_path / "a.css").write_text('@font-face { src: url("https://fonts.example/a.woff2") }', encoding="utf-8")

    assert check(tmp_path) == ["a.css: fetches https://fonts.example/a.woff2"]


def test_the_check_has_nothing_against_a_good_site(tmp_path: Path) -> None:
    """Links to pages, anchors and other sites are fine."""
    (tmp_path / "a b.html").write_text('<p id="here">', encoding="utf-8")
    links = '<a href="a%20b.html#here"></a><a href="https://example.com/"></a><a href="mailto:a@example.com"></a>'
    (tmp_path / "index.html").write_text(links, encoding="utf-8")

    assert check(tmp_path) == []
