"""Tables of the documentation are complete and current."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from fotoweb_middleware.events import FIELDS, KINDS, EventKind, EventName
from fotoweb_middleware.pages import PAGE_CODES
from fotoweb_middleware.setup_warnings import SetupCause
from tools.index_tests import CODE, PAGES, ROOT, code_index, codes_in, with_tests

TROUBLESHOOTING = (ROOT / "docs/reference/troubleshooting.md").read_text(encoding="utf-8")
TESTS = code_index(ROOT / "tests")


@pytest.mark.parametrize("kind", [pytest.param(KINDS[name], id=name) for name in EventName])
def test_every_event_is_explained(kind: EventKind) -> None:
    """Each line that the middleware logs stands on the page about troubleshooting, with its level."""
    rows = [line for line in TROUBLESHOOTING.splitlines() if line.startswith("| ") and f"`{kind.words}" in line]

    assert rows != []
    assert all(f"| {logging.getLevelName(kind.level)} |" in row for row in rows)


def test_every_field_of_an_event_is_explained() -> None:
    """The table of fields has every field that an event may have, and no other."""
    assert {field for kind in KINDS.values() for field in kind.fields} == set(FIELDS)


@pytest.mark.parametrize("code", [*PAGE_CODES, *EventName, *SetupCause])
def test_every_code_is_an_anchor(code: str) -> None:
    """Each code at the foot of a page, event and set-up warning is an anchor in the row that says what to do."""
    (row,) = [line for line in TROUBLESHOOTING.splitlines() if f'<a id="{code}"></a>' in line]

    assert row.startswith("| <a id=")
    assert f"`{code}`" in row or code in set(EventName)


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_the_index_of_tests_is_current(path: Path) -> None:
    """The last column is what ``python tools/index_tests.py`` writes."""
    page = path.read_text(encoding="utf-8")

    assert page == with_tests(page, TESTS), "run: python tools/index_tests.py"


def test_every_code_in_a_test_has_a_row() -> None:
    """A requirement or case that a test names is on one of the two pages."""
    rows = {line.split(" | ")[0].removeprefix("| ") for path in PAGES for line in path.read_text("utf-8").splitlines()}

    assert sorted(set(TESTS) - rows) == []


def test_every_item_of_asvs_is_upheld() -> None:
    """An item of the OWASP ASVS is upheld by requirements that there are; or it is the deployer's, or nobody's."""
    requirements = set(re.findall(r"^\| (R-[A-Z]+[0-9]+) ", PAGES[0].read_text(encoding="utf-8"), re.MULTILINE))
    page = (ROOT / "docs/internals/asvs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+\d\b[^|]*) \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)

    assert len(rows) > 60
    assert [item for item, by in rows if not (CODE.match(by) or by.startswith(("Deployer", "Not applicable")))] == []
    assert set().union(*(codes_in(by) for _, by in rows)) <= requirements


@pytest.mark.parametrize(
    ("docstring", "codes"),
    [("(R-CS5 to R-CS7)", {"R-CS5", "R-CS6", "R-CS7"}), ("(R-TE6 to 7; T-CS-05)", {"R-TE6", "R-TE7", "T-CS-05"})],
)
def test_codes_are_read(docstring: str, codes: set[str]) -> None:
    """A range of codes names each of them."""
    assert codes_in(docstring) == codes


def test_a_row_is_written() -> None:
    """The last cell of a row about a code is replaced, and nothing else."""
    page = "| code | what | test files |\n| R-AC1 | a thing | old |\n| R-AC2 | another |  |"

    written = with_tests(page, {"R-AC1": ["a/test_b.py", "test_c.py"]})

    assert written.splitlines()[1] == "| R-AC1 | a thing | `a/test_b.py`, `test_c.py` |"
    assert written.splitlines()[2] == "| R-AC2 | another | none names it |"
