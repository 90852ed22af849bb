"""The records of decisions keep the form of their template, and stay one page long."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "adr"
RECORDS = sorted(path for path in FOLDER.glob("[0-9]*.md") if not path.name.startswith("0000"))
TEMPLATE = (FOLDER / "0000-template.md").read_text(encoding="utf-8")
MOST_WORDS = 600


@pytest.mark.parametrize("path", RECORDS, ids=[path.stem for path in RECORDS])
class TestRecord:
    """One record."""

    def test_has_the_headings_of_the_template(self, path: Path) -> None:
        """Context, choice, cost, when to look again: all of them, in this order."""
        headings = re.findall(r"^## .*$", path.read_text(encoding="utf-8"), re.MULTILINE)

        assert headings == re.findall(r"^## .*$", TEMPLATE, re.MULTILINE)

    def test_begins_with_number_date_and_status(self, path: Path) -> None:
        """The number in the title is that of the file."""
        text = path.read_text(encoding="utf-8")

        assert re.match(
            rf"# {path.name[:4]}: .+\n\nDate: \d{{4}}-\d\d-\d\d\. Status: (accepted|replaced by \d{{4}})\.\n\n", text
        )

    def test_is_one_page(self, path: Path) -> None:
        """Nobody reads a second page."""
        assert len(path.read_text(encoding="utf-8").split()) <= MOST_WORDS


def test_the_numbers_have_no_gap() -> None:
    """Records are numbered from 1, each number once."""
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
