"""The documentation's links lead somewhere, and what it names of the package is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fotoweb_middleware import Settings
from fotoweb_middleware.cli.app import make_parser

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")])
IDS = [path.relative_to(ROOT).as_posix() for path in PAGES]
LINK = re.compile(r"\]\(([^)\s#]*)(#[^)\s]*)?\)")
PATH = re.compile(r"`((?:fotoweb_middleware|tests|tools|docs|examples)/[\w./-]+)`")
COMMAND = re.compile(r"^`?fotoweb-middleware (\w+)|`fotoweb-middleware (\w+)", re.MULTILINE)


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub gives a page's headings, and those that stand in the page."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    own = {f"#{name}" for name in re.findall(r'<a id="(\w+)"></a>', page)}
    return own | {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file of the project finds it, and its anchor is a heading there."""
    broken = []
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        found = path.parent / target if target else path
        if "://" in target:
            continue
        if not found.exists() or (anchor and anchor not in anchors(found.read_text(encoding="utf-8"))):
            broken.append(target + anchor)

    assert broken == []


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_paths_are_there(path: Path) -> None:
    """Each path of the project that a page quotes exists."""
    quoted = PATH.findall(path.read_text(encoding="utf-8"))

    assert [name for name in quoted if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_variables_are_settings(path: Path) -> None:
    """A page names no ``FOTOWEB_*`` variable that is no setting."""
    named = set(re.findall(r"\bFOTOWEB_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))
    settings = {f"FOTOWEB_{name.upper()}" for name in Settings.__dataclass_fields__}

    assert {name.removesuffix("_FILE") for name in named} <= settings | {"FOTOWEB_APP"}


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_commands_are_there(path: Path) -> None:
    """A page names no command of ``fotoweb-middleware`` that it does not have."""
    named = {first or second for first, second in COMMAND.findall(path.read_text(encoding="utf-8"))}
    commands = set(re.findall(r"^    ([a-z]+)", make_parser().format_help(), re.MULTILINE))

    assert named <= commands
    assert "check" in commands


def test_every_page_can_be_found() -> None:
    """Each page of the documentation is linked from an index: docs/README.md, or those of the internals."""
    docs = ROOT / "docs"
    indexes = [docs / "README.md", docs / "internals/README.md", docs / "internals/adr/README.md"]
    linked = {
        (index.parent / target).resolve()
        for index in indexes
        for target, _ in LINK.findall(index.read_text(encoding="utf-8"))
        if target
    }

    assert [path for path in docs.rglob("*.md") if path not in {*linked, docs / "README.md"}] == []


def test_a_broken_anchor_is_found_out() -> None:
    """Anchors are those that GitHub makes: letters, digits and hyphens, in lower case."""
    assert anchors("# Which store?\n\n## `local://`, and more\n") == {"#which-store", "#local-and-more"}
