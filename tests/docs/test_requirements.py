"""docs/reference/requirements.md: every requirement has a row, and every name in a row is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_where_is_it import find, quoted

ROOT = Path(__file__).parents[2]
PAGE_PATH = ROOT / "docs" / "reference" / "requirements.md"
ADR = ROOT / "docs" / "adr"
PAGE, ASVS_PAGE = PAGE_PATH.read_text(encoding="utf-8").split("\n## OWASP ASVS 5.0\n")

NUMBERS = {
    "AC": [*range(1, 12), *range(13, 18)],
    "TE": range(1, 22),
    "CS": range(1, 16),
    "RP": range(1, 9),
    "RC": range(1, 7),
    "OP": range(1, 4),
    "LG": range(1, 4),
    "CF": range(1, 7),
    "LO": range(1, 4),
    "RL": range(1, 5),
}
"""All requirements there are. AC has a gap: ``iss``, which FotoWeb does not send, is not compared."""

CODES = {f"R-{group}{number}" for group, numbers in NUMBERS.items() for number in numbers}
CODE = re.compile(r"R-[A-Z]{2}[0-9]+")
RANGE = re.compile(r"(R-[A-Z]{2})([0-9]+) to (?:R-[A-Z]{2})?([0-9]+)")

ASVS_ITEMS = {
    "10.1": (1, 2),
    "10.2": (1, 2, 3),
    "10.3": (1,),
    "10.4": (1,),
    "10.5": (1,),
    "10.6": (1,),
    "10.7": (1,),
    "7.1": (1, 2, 3),
    "7.2": (1, 2, 3, 4),
    "7.3": (1, 2),
    "7.4": (1, 2, 3, 4, 5),
    "7.5": (1,),
    "7.6": (1, 2),
    "3.1": (1,),
    "3.2": (1, 2),
    "3.3": (1, 2, 3, 4, 5),
    "3.4": (1, 2, 3, 4, 5, 6, 7, 8),
    "3.5": (1, 2, 3, 4, 5, 8),
    "3.6": (1,),
    "3.7": (1, 2, 3, 4, 5),
    "1.3": (10, 12),
    "4.1": (3, 4),
    "4.2": (5,),
    "4.4": (2,),
    "9.1": (1,),
    "9.2": (1, 2),
    "13.1": (3,),
    "13.2": (6,),
    "13.3": (4,),
    "16.2": (5,),
    "16.3": (1, 3),
    "16.4": (1,),
    "16.5": (1, 2, 3),
}
"""Each item that concerns us, or the first of a row of several."""

NO_TEST = "none"
NOT_OURS = ("Deployer", "Not applicable")

Row = tuple[str, ...]


def read_rows(page: str, count: int) -> list[Row]:
    """Return the cells of each table row but the heads.

    Raises:
        AssertionError: A row has another number of cells, or an empty one.
    """
    rows = []
    for line in page.splitlines():
        if not line.startswith("|") or line.startswith(("| code |", "| item |", "| --- |")):
            continue
        cells = tuple(cell.strip() for cell in line.strip().strip("|").split(" | "))
        assert len(cells) == count, f"not {count} cells: {line}"
        assert all(cells), f"an empty cell: {line}"
        rows.append(cells)
    return rows


def find_tests(path: Path) -> Iterator[str]:
    """Return each test function of a file, as ``path::name``."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield f"{path.relative_to(ROOT).as_posix()}::{node.name}"


def missing_tests(names: list[str]) -> list[str]:
    """Return those of some tests, written as ``path::name``, that are not there."""
    paths = {name.partition("::")[0] for name in names}
    there = {name for path in paths if (ROOT / path).is_file() for name in find_tests(ROOT / path)}
    return [name for name in names if name not in there]


def records_named(text: str) -> list[str]:
    """Return the numbers of the records of decisions that a text links to, each of which must be that file's."""
    links = re.findall(r"\[(\d{4})\]\(\.\./adr/(\d{4}[a-z0-9-]*\.md)\)", text)
    assert [number for number, file in links if not file.startswith(number)] == []
    return [file for _, file in links]


def codes_in(text: str) -> Iterator[str]:
    """Return each code that a text holds; "R-CS5 to R-CS8" holds four."""
    yield from CODE.findall(text)
    for group, first, last in RANGE.findall(text):
        yield from (f"{group}{number}" for number in range(int(first), int(last) + 1))


def codes_used() -> dict[str, str]:
    """Return each code that stands in the package, in a test or in a page, with one place where it does."""
    folders = ("fotoweb_middleware", "tests", "docs", "tools", "examples")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md"}]
    others = [path for path in files if path not in {PAGE_PATH, Path(__file__)}]
    return {code: str(path) for path in others for code in codes_in(path.read_text(encoding="utf-8"))}


ROWS = read_rows(PAGE, 4)
ASVS_ROWS = read_rows(ASVS_PAGE, 5)


def test_every_requirement_has_a_row() -> None:
    """Each requirement has one row, and no row is about something else."""
    assert sorted(code for code, *_ in ROWS) == sorted(CODES)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_name_in_a_row_is_there(row: Row) -> None:
    """Each function and each test that a requirement's row names exists, and there is one of each at least."""
    functions, tests = quoted(row[2]), quoted(row[3])
    assert functions
    assert tests
    assert [name for name in functions if not callable(find(name)) and not isinstance(find(name), property)] == []
    assert missing_tests(tests) == []


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_what_is_done_otherwise_has_a_record(row: Row) -> None:
    """Where we do otherwise than asked, the row names the record of the decision; each record that is named exists."""
    records = records_named(row[1])
    assert [record for record in records if not (ADR / record).is_file()] == []
    assert records or "otherwise" not in row[1].lower()


def test_every_code_in_use_has_a_row() -> None:
    """A code in the package, in a test or in a page leads to a row."""
    assert {code: place for code, place in codes_used().items() if code not in CODES} == {}


def test_every_item_has_a_row() -> None:
    """Each item of the ASVS that concerns us has one row, and no row is about another."""
    items = [f"{section}.{number}" for section, numbers in ASVS_ITEMS.items() for number in numbers]
    assert sorted(re.split(r" to |, ", item)[0] for item, *_ in ASVS_ROWS) == sorted(items)


@pytest.mark.parametrize("row", ASVS_ROWS, ids=[row[0] for row in ASVS_ROWS])
def test_every_item_is_upheld(row: Row) -> None:
    """An item is upheld by requirements, with a test; or it is the deployer's, or nobody's."""
    item, level, _, upheld_by, tests = row
    assert set(level.split(", ")) <= {"1", "2", "3"}, item
    assert [code for code in CODE.findall(upheld_by) if code not in CODES] == []
    assert CODE.match(upheld_by) or upheld_by.startswith(NOT_OURS)
    assert tests != NO_TEST or upheld_by.startswith(NOT_OURS)
    assert tests == NO_TEST or missing_tests(quoted(tests)) == []


# -------------------------------------------------------------------------------------------------- seen red on purpose


@pytest.mark.parametrize("line", ["| R-XX1 | a | `b` |", "| R-XX1 |  | `b:c` | `d` |"], ids=["three", "empty"])
def test_a_bad_row_is_found_out(line: str) -> None:
    """The check of rows can fail."""
    with pytest.raises(AssertionError):
        read_rows(line, 4)


def test_a_test_that_is_not_there_is_found_out() -> None:
    """The check of tests can fail."""
    here = "tests/docs/test_requirements.py"
    assert missing_tests([f"{here}::test_every_item_is_upheld", f"{here}::test_nothing"]) == [f"{here}::test_nothing"]


def test_codes_are_read() -> None:
    """A range of codes names each of them."""
    found = set(codes_in("(R-CS5 to R-CS7, R-TE6 to 8; T-CS-05)"))
    assert found == {"R-CS5", "R-CS6", "R-CS7", "R-TE6", "R-TE7", "R-TE8"}


def test_a_record_under_another_number_is_found_out() -> None:
    """The check of records can fail."""
    with pytest.raises(AssertionError):
        records_named("([0003](../adr/0004-near-cache-by-raw-cookie.md))")
