"""docs/threat-model.md names nothing that is not there: no function, test, requirement, variable or page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fotoweb_middleware.settings.texts import ABOUT
from tests.docs.test_requirements import CODES, codes_in, missing_tests
from tests.docs.test_where_is_it import find

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([^`\n]+)`", PAGE.replace("```", ""))
FUNCTION = re.compile(r"[a-z_.]+:[A-Z_a-z.]+")
VARIABLES = {f"FOTOWEB_{name.upper()}" for name in ABOUT} | {
    f"FOTOWEB_{n.upper()}_FILE" for n in ABOUT if ABOUT[n].from_file
}


@pytest.mark.parametrize("name", sorted({name for name in QUOTED if FUNCTION.fullmatch(name)}))
def test_every_function_is_there(name: str) -> None:
    """Each function that the page names can be imported."""
    assert callable(find(name)) or isinstance(find(name), property)


def test_every_test_is_there() -> None:
    """Each test that the page names exists."""
    tests = [name for name in QUOTED if name.startswith("tests/")]
    assert tests
    assert missing_tests(tests) == []


def test_every_requirement_is_known() -> None:
    """Each code on the page is that of a requirement."""
    assert set(codes_in(PAGE)) <= CODES


def test_every_variable_is_known() -> None:
    """Each ``FOTOWEB_*`` variable that the page names is a setting."""
    assert {name.partition("=")[0] for name in QUOTED if name.startswith("FOTOWEB_")} <= VARIABLES


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE))))
def test_every_page_is_there(target: str) -> None:
    """Each page that it leads to exists."""
    assert (ROOT / "docs" / target).is_file()


def test_every_row_has_something_in_the_way() -> None:
    """Each attack has a test, and no cell of a table is empty."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    attacks = [line for line in rows if line.startswith("| To ")]
    assert [line for line in rows if not all(cell.strip() for cell in line.strip("|").split(" | "))] == []
    assert [line for line in attacks if "`tests/" not in line] == []
    assert len(attacks) > 20


def test_what_deployers_must_do_is_where_others_point() -> None:
    """Other pages lead to this heading."""
    assert "\n## What you must do\n" in PAGE
    assert "threat-model.md#what-you-must-do" in (ROOT / "docs/reference/requirements.md").read_text(encoding="utf-8")
