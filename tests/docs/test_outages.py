"""docs/reference/outages.md: each fault has both modes and a test that is there; no test of an outage is left out.

A row says what was tried where that is less than the page says of all rows.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "outages.md").read_text(encoding="utf-8")
HEADER = ["fault", "sealed", "reference", "test"]
CACHES = ("Redis", "SQLite", "Memory")

Row = tuple[str, str, str, str]


def section(title: str, page: str = PAGE) -> str:
    """Return the part of the page below a heading of the second level."""
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def cells_of(line: str) -> list[str]:
    """Return the cells of a line of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def read_rows(text: str) -> list[Row]:
    """Return the rows of every table about faults: fault, sealed, reference, test.

    Raises:
        AssertionError: A table has other columns, or a cell is empty.
    """
    rows: list[Row] = []
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines:
        cells = cells_of(line)
        if cells == HEADER or set(line) <= set("|- "):
            continue
        assert len(cells) == len(HEADER), f"not four cells: {line}"
        assert all(cells), f"an empty cell: {line}"
        rows.append((cells[0], cells[1], cells[2], cells[3]))
    return rows


def find_tests(path: Path) -> set[str]:
    """Return the tests that a file holds, as ``path::name``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    return {f"{path.relative_to(ROOT).as_posix()}::{name}" for name in names}


def quoted_lines() -> list[str]:
    """Return the words of log lines that the page quotes."""
    table = section("Is it the cache?")
    return [cells_of(line)[0] for line in table.splitlines() if line.startswith("| `")]


def named_tests() -> set[str]:
    """Return every test that a row names; nothing else may stand in that cell."""
    names = set[str]()
    for row in ROWS:
        found = re.findall(r"`([^`]+)`", row[3])
        assert ", ".join(f"`{name}`" for name in found) == row[3], f"not a list of names: {row[3]}"
        names.update(found)
    return names


FAULTS = ROOT / "tests" / "faults"
FILES = [*FAULTS.glob("test_outage_*.py"), FAULTS / "test_killed_holder.py", FAULTS / "test_disconnects.py"]
ROWS = read_rows(section("What people see"))
TESTS = set[str]().union(*(find_tests(path) for path in FILES))
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "fotoweb_middleware").rglob("*.py")))


def test_every_named_test_is_there() -> None:
    """Each row names tests, and they exist."""
    assert sorted(named_tests() - TESTS) == []


def test_every_test_of_an_outage_is_named() -> None:
    """No test of an outage is left out of the tables."""
    assert sorted(TESTS - named_tests()) == []


def tries_everything(name: str) -> bool:
    """Return whether a test lets people live through a fault with a valid token and with an expired one."""
    path, _, function = name.partition("::")
    [found] = [node for node in ast.parse((ROOT / path).read_text("utf-8")).body if name_of(node) == function]
    return any(isinstance(node, ast.Name) and node.id == "what_people_see" for node in ast.walk(found))


def name_of(node: ast.stmt) -> str:
    """Return a function's name, and nothing of what is none."""
    return node.name if isinstance(node, ast.FunctionDef) else ""


def test_a_row_says_what_was_tried() -> None:
    """Where a test of a row is not that of all rows, the row says so."""
    silent = [
        row[0]
        for row in ROWS
        if not all(tries_everything(name) for name in re.findall(r"`(tests/[^`]+)`", row[3]))
        and "tried" not in " ".join(row[:3]).lower()
    ]

    assert silent == []


@pytest.mark.parametrize("cache", CACHES)
def test_every_cache_has_faults(cache: str) -> None:
    """Each kind of cache has a table, with a promise for both modes in each row."""
    [table] = [part for part in section("What people see").split("\n### ") if part.startswith(cache)]

    assert f"| {' | '.join(HEADER)} |" in table
    assert read_rows(table)


@pytest.mark.parametrize("words", quoted_lines())
def test_the_log_says_so(words: str) -> None:
    """What the page quotes from the log is what the package writes."""
    assert re.fullmatch(r"`[^`]+`", words)
    assert words.strip("`") in SOURCE


def test_the_page_says_so() -> None:
    """The page that people see carries the title that is quoted, and programs get the type that is quoted."""
    assert '"Sign-ins cannot be looked up"' in PAGE
    assert '"Sign-ins cannot be looked up"' in SOURCE
    assert "urn:fotoweb-middleware:cache-unavailable" in PAGE


@pytest.mark.parametrize("row", ["| Redis killed | Goes on. | `a::b` |", "| Redis killed | Goes on. |  | `a::b` |"])
def test_a_row_without_a_mode_is_found_out(row: str) -> None:
    """The check of rows can fail."""
    with pytest.raises(AssertionError, match="cell"):
        read_rows(row)
