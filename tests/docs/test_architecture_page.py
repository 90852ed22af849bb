"""docs/internals/architecture.md and its drawing show every module, in the layers that ``lint-imports`` holds."""

from __future__ import annotations

import re
import tomllib
from xml.etree import ElementTree as ET

from tools.code_blocks import DOCS, ROOT

PACKAGE = ROOT / "fotoweb_middleware"


def test_the_drawing_has_the_layers() -> None:
    """Read from top to bottom, its left side names the modules in the order of pyproject.toml."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = " ".join(next(table for table in tables if table["type"] == "layers")["layers"]).replace("|", " ").split()
    drawing = ET.parse(DOCS / "pictures" / "layers.svg")  # noqa: S314 (our own file)
    texts = [element for element in drawing.iter("{http://www.w3.org/2000/svg}text") if element.get("x") == "28"]
    drawn = " ".join(element.text or "" for element in texts).split()

    assert drawn == layers


def test_the_page_has_every_module() -> None:
    """The table names each module of the package."""
    page = (DOCS / "internals" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)(?:\.py|/)`", page.partition("## Every module")[2]))
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}

    assert modules - {"__init__", "__pycache__"} - named == set()
