"""The tables of all events and their fields in their reference page.

    python -m tools.events_page docs/reference/events.md

writes them into that page, below the text. A test says when this is due.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from fotoweb_middleware.events import FIELDS, KINDS

BEGIN = "## Every event\n"


def reference_tables() -> str:
    """Return the tables of docs/reference/events.md."""
    events = [
        (f"`{name}`", logging.getLevelName(kind.level), ", ".join(f"`{each}`" for each in kind.fields), kind.words)
        for name, kind in KINDS.items()
    ]
    fields = [(f"`{name}`", meaning) for name, meaning in FIELDS.items()]
    return "\n".join(
        [
            table(("name", "level", "fields", "its line in the log begins"), events),
            "## Every field\n",
            table(("field", "what it holds"), fields),
        ]
    )


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    return "".join("| " + " | ".join(row) + " |\n" for row in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    page = Path(sys.argv[1])
    words, _, _ = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{words}{BEGIN}\n{reference_tables()}", encoding="utf-8")
