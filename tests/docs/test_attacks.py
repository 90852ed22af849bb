"""docs/reference/attacks.md: each case has servers, a result and tests that carry its code; no case is left out."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.attacked import EVERY_SERVER, ONE_OF_EACH_DOOR

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "attacks.md").read_text(encoding="utf-8")
HEADER = ["case", "attack", "servers", "result", "tests"]
CODE = re.compile(r"T-[A-Z]{2}-[0-9]{2}")
ALL_SIX, ONE_OF_EACH, IN_PROCESS = "all six", "one of each door", "in process"
WITH_WORKERS = "real servers"
SERVERS = {ALL_SIX, ONE_OF_EACH, IN_PROCESS, WITH_WORKERS}
"""What the top of the page explains; a row may name two, with "and" between them."""

NUMBERS = {
    "AC": "01 03 06 08 09 10 11 12 14 16 17 18 19",
    "TE": "01 02 04 05 06 07 10 11 13 14 15 16 18 19 20 21 22 23",
    "CX": "01 02 05 06 07 09 10 12 13 14 15 16",
    "CS": "01 03 05 07 09 10 11 12 13 15",
    "RP": "01 04 05 06 07 08 09 10",
    "RC": "01 02 03 05 07 08 09",
    "OP": "01 03 04 05",
    "LG": "02 03 04",
    "CF": "01 02 03 05 06",
    "LO": "01 04 05 06",
    "RL": "01 02 03 04 05 07",
}
CASES = {f"T-{kind}-{number}" for kind, numbers in NUMBERS.items() for number in numbers.split()}
"""Every case that there is. One that is new is written down here first, and then wants a row."""

Row = tuple[str, str, list[str]]


def read_rows(page: str) -> list[Row]:
    """Return the rows of every table: case, servers, tests.

    Raises:
        AssertionError: A row has not five cells, or an empty one, or something else than tests in the last.
    """
    rows: list[Row] = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("|") or cells == HEADER or set(line) <= set("|- "):
            continue
        assert len(cells) == len(HEADER), f"not five cells: {line}"
        assert all(cells), f"an empty cell: {line}"
        tests: list[str] = re.findall(r"`([^`]+)`", cells[4])
        assert ", ".join(f"`{test}`" for test in tests) == cells[4], f"not a list of tests: {line}"
        rows.append((cells[0], cells[2], tests))
    return rows


def find_tests(path: Path) -> Iterator[tuple[str, str]]:
    """Return name (as ``path::name``) and docstring of each test in a file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield f"{path.relative_to(ROOT).as_posix()}::{node.name}", ast.get_docstring(node) or ""


def codes_in_tests() -> set[tuple[str, str]]:
    """Return every pair of a code and a test whose docstring carries it."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    found = [pair for path in files for pair in find_tests(path)]
    return {(code, test) for test, docstring in found for code in CODE.findall(docstring)}


def codes_in_docstrings(path: Path) -> Iterator[str]:
    """Yield every code in a docstring of a file: the file's own, and those of its classes and functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from CODE.findall(ast.get_docstring(node) or "")


def servers_of(test: str) -> str | None:
    """Return on which servers a test runs, by its parametrisation; None where that does not tell."""
    path, _, name = test.partition("::")
    module: Any = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    marks = getattr(module, "pytestmark", [])
    marks = [*(marks if isinstance(marks, list) else [marks]), *getattr(getattr(module, name), "pytestmark", [])]
    chosen = {mark.args[0]: tuple(mark.args[1]) for mark in marks if mark.name == "parametrize"}
    if "kind" in chosen:
        return {EVERY_SERVER: ALL_SIX, ONE_OF_EACH_DOOR: ONE_OF_EACH}[chosen["kind"]]
    return IN_PROCESS if "door" in chosen else None


ROWS = read_rows(PAGE)


@pytest.mark.parametrize("row", ROWS, ids=[case for case, _, _ in ROWS])
def test_every_test_is_there(row: Row) -> None:
    """Each test that a row names exists."""
    paths = {test.partition("::")[0] for test in row[2]}
    there = {name for path in paths for name, _ in find_tests(ROOT / path)}
    assert row[2]
    assert [test for test in row[2] if test not in there] == []


def test_every_case_is_on_the_page_once() -> None:
    """Each case has one row, and there is no row of anything else."""
    assert sorted(case for case, _, _ in ROWS) == sorted(CASES)


def test_every_code_in_a_test_has_a_row() -> None:
    """A code in any docstring under ``tests`` is one of a case that the page has a row for."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    unknown = [(str(path.relative_to(ROOT)), code) for path in files for code in codes_in_docstrings(path)]
    assert [where for where in unknown if where[1] not in {case for case, _, _ in ROWS}] == []


def test_page_and_tests_agree() -> None:
    """A test that a row names carries its code; one of ``tests/attacks`` is named in the row of each code it has."""
    named = {(case, test) for case, _, tests in ROWS for test in tests}
    carried = codes_in_tests()
    assert named - carried == set()
    assert {pair for pair in carried - named if pair[1].startswith("tests/attacks/")} == set()


@pytest.mark.parametrize("row", ROWS, ids=[case for case, _, _ in ROWS])
def test_servers_are_as_the_page_says(row: Row) -> None:
    """The tests of ``tests/attacks`` run on the servers that the row names."""
    run_on = {servers_of(test) for test in row[2] if test.startswith("tests/attacks/")} - {None}
    told = set(row[1].split(" and "))
    assert told <= SERVERS
    assert run_on <= told


def test_servers_are_explained() -> None:
    """What the rows call the servers stands at the top of the page."""
    top = PAGE.partition("\n## ")[0]
    assert [servers for servers in SERVERS if f'- "{servers}": ' not in top] == []


# -------------------------------------------------------------------------------------------------- seen red on purpose


@pytest.mark.parametrize(
    "line",
    [
        "| T-AC-99 | something | all six | `tests/a.py::test_b` |",
        "| T-AC-99 | something | all six |  | `tests/a.py::test_b` |",
        "| T-AC-99 | something | all six | 400 | tests/a.py |",
    ],
    ids=["four cells", "no result", "no list"],
)
def test_a_bad_row_is_found_out(line: str) -> None:
    """The check of rows can fail."""
    with pytest.raises(AssertionError):
        read_rows(line)


def test_servers_are_read() -> None:
    """The check of servers tells the three apart."""
    tests = ("test_callback.py::test_login", "test_token_failures.py::test_no_whole_answer")
    found = [servers_of(f"tests/attacks/{test}") for test in tests]
    assert [*found, servers_of("tests/attacks/test_token_in_process.py::test_certificates")] == [
        ALL_SIX,
        ONE_OF_EACH,
        IN_PROCESS,
    ]
