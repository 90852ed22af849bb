"""The reference page of the settings is generated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fotoweb_middleware.settings.about import variable_of
from fotoweb_middleware.settings.table import page
from fotoweb_middleware.settings.texts import ABOUT

ROOT = Path(__file__).parents[2]


def test_page_is_up_to_date() -> None:
    """docs/reference/settings.md is what the code would write."""
    written = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")

    assert written == page(), "run: python -m fotoweb_middleware.settings.table > docs/reference/settings.md"


def test_every_setting_has_a_row() -> None:
    """Every variable is in the table once, and each row has four columns."""
    rows = [line for line in page().splitlines() if line.startswith("| `FOTOWEB_")]

    assert [row.split("`")[1] for row in rows] == [variable_of(name) for name in ABOUT]
    assert {row.count(" | ") for row in rows} == {3}


def test_command_prints_the_page() -> None:
    """The command in the page's own comment prints the page."""
    command = [sys.executable, "-m", "fotoweb_middleware.settings.table"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == page()
