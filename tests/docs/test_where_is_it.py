"""docs/where-is-it.md names nothing that is not there, and leaves out no setting and no reason."""

from __future__ import annotations

import ast
import importlib
import re
from functools import reduce
from pathlib import Path

import pytest

from fotoweb_middleware.model import Reason
from fotoweb_middleware.settings.texts import ABOUT

ROOT = Path(__file__).parents[2]
PACKAGE = "fotoweb_middleware"
PAGE = (ROOT / "docs" / "where-is-it.md").read_text(encoding="utf-8")

Row = tuple[str, list[str], list[str]]


def read_rows(page: str) -> list[Row]:
    """Return each table row: its first cell, the names in its second, the files in its third."""
    rows = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[1] not in {"---", "function"}:
            assert len(cells) == 3, f"not three cells: {line}"
            rows.append((cells[0], quoted(cells[1]), quoted(cells[2])))
    return rows


def section(title: str) -> str:
    """Return the part of the page below a heading."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def quoted(cell: str) -> list[str]:
    """Return what stands in backticks; nothing else may stand in these cells."""
    names: list[str] = re.findall(r"`([^`]+)`", cell)
    assert ", ".join(f"`{name}`" for name in names) == cell, f"not a list of names: {cell}"
    return names


def find(name: str) -> object:
    """Import ``module:qualname``; the module's name is taken from below the package."""
    module, _, qualname = name.partition(":")
    assert qualname, f"{name} names no function"
    return reduce(getattr, qualname.split("."), importlib.import_module(f"{PACKAGE}.{module}"))


def producers() -> dict[str, set[str]]:
    """Return for each member of ``Reason`` the functions, as ``module:qualname``, whose code names it."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        note_producers(ast.parse(path.read_text(encoding="utf-8")), f"{module}:", found)
    return found


def note_producers(node: ast.AST, name: str, found: dict[str, set[str]]) -> None:
    """Add what one node of a syntax tree and everything below it names."""
    for child in ast.iter_child_nodes(node):
        below = name
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            below = f"{name}{'' if name.endswith(':') else '.'}{child.name}"
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name) and child.value.id == "Reason":
            found.setdefault(child.attr, set()).add(below)
        note_producers(child, below, found)


ROWS = read_rows(PAGE)
REASONS = {reason.name for reason in Reason}
REASON_ROWS = {first.strip("`"): set(names) for first, names, _ in read_rows(section("Reasons"))}


@pytest.mark.parametrize("name", sorted({name for _, names, _ in ROWS for name in names}))
def test_every_function_is_there(name: str) -> None:
    """Each function named on the page can be imported."""
    assert callable(find(name))


@pytest.mark.parametrize("path", sorted({path for _, _, paths in ROWS for path in paths}))
def test_every_test_is_there(path: str) -> None:
    """Each test file named on the page exists."""
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("row", ROWS, ids=[first[:60] for first, _, _ in ROWS])
def test_every_row_is_whole(row: Row) -> None:
    """Each row leads to a function and to a test."""
    assert row[0]
    assert row[1]
    assert row[2]


def test_every_setting_has_a_row() -> None:
    """Each ``FOTOWEB_*`` variable has one row, and no row is about a variable that has gone."""
    rows = read_rows(section("Settings"))
    listed = sorted(first.strip("`") for first, _, _ in rows if first.startswith("`FOTOWEB_"))

    assert listed == sorted(f"FOTOWEB_{name.upper()}" for name in ABOUT)


def test_every_reason_has_a_row() -> None:
    """Each member of ``Reason`` has a row, and no row is about a member that has gone."""
    assert set(REASON_ROWS) == REASONS


def test_no_reason_is_dead() -> None:
    """Each member of ``Reason`` is made somewhere in the package."""
    assert sorted(REASONS - set(producers())) == []


def test_every_reason_is_made_where_the_page_says() -> None:
    """The functions in a reason's row are those whose code names it, all of them and no others."""
    made = producers()

    assert {name: made.get(name, set()) for name in REASON_ROWS} == REASON_ROWS


@pytest.mark.parametrize("name", ["stages.refresh:no_such_function", "no_such_module:renew"])
def test_a_name_that_is_not_there_is_found_out(name: str) -> None:
    """The check of names can fail."""
    with pytest.raises((AttributeError, ModuleNotFoundError)):
        find(name)


def test_a_row_without_backticks_is_found_out() -> None:
    """The check of rows can fail."""
    with pytest.raises(AssertionError, match="not a list of names"):
        read_rows("| something | stages.refresh:renew | `tests/test_it.py` |")
