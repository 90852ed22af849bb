"""What a run found, as tables that stand in ``docs/reference/performance.md`` between marker comments."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

__all__ = ["Goal", "Report", "Table", "machine", "write_into"]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be.

    Attributes:
        limit: The figure itself.
        is_floor: Whether the figure should be at least that; else at most.
        form: How figures are written.
    """

    limit: float
    is_floor: bool = False
    form: str = ".2f"

    def is_met(self, figure: float) -> bool:
        """Return whether a figure meets it."""
        return figure >= self.limit if self.is_floor else figure <= self.limit

    def verdict(self, figure: float) -> str:
        """Return the goal and whether it was met, for a table's cell."""
        bound = "at least" if self.is_floor else "at most"
        return f"{bound} {self.limit:{self.form}}: {'met' if self.is_met(figure) else '**not met**'}"


@dataclass(slots=True)
class Table:
    """One table.

    Attributes:
        title: Stands above it, in a line of its own.
        columns: Their heads.
        rows: As many cells each as there are columns.
        below: What is to be known of it; stands below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    below: str = ""

    def __str__(self) -> str:
        """Return it in Markdown."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        below = ["", self.below] if self.below else []
        return "\n".join([self.title, "", *(f"| {' | '.join(cells)} |" for cells in lines), *below])


@dataclass(slots=True)
class Report:
    """What one part found.

    Attributes:
        tables: In order.
        missed: Goals that were not met, a line each.
        notes: Lines that stand below the tables.
    """

    tables: list[Table] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def judge(self, what: str, figure: float, goal: Goal | None) -> str:
        """Return the cell that holds a figure's goal, and note one that was missed."""
        if goal is None:
            return ""
        if not goal.is_met(figure):
            self.missed.append(f"{what}: {figure:.3g}, {goal.verdict(figure).partition(':')[0]}")
        return goal.verdict(figure)

    def __str__(self) -> str:
        """Return it in Markdown."""
        return "\n\n".join([*map(str, self.tables), *self.notes])


def write_into(path: Path, part: str, text: str) -> None:
    """Put ``text`` between the two comments that mark a part; all else in the file stays as it is.

    Raises:
        ValueError: The file has no such place, or two.
    """
    begin, end = f"<!-- make bench: {part} -->", f"<!-- end of {part} -->"
    page = path.read_text(encoding="utf-8")
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(place.findall(page)) != 1:
        msg = f"{path} needs {begin} and {end} once"
        raise ValueError(msg)
    path.write_text(place.sub(lambda _found: f"{begin}\n\n{text}\n\n{end}", page), encoding="utf-8")


def machine() -> str:
    """Return what was measured on, and how busy it is just now."""
    cpu = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file() and (found := re.search(r"^model name\s*:\s*(.+)$", info.read_text("utf-8"), re.MULTILINE)):
        cpu = found[1]
    packages = ", ".join(f"{name} {version(name)}" for name in ("starlette", "uvicorn", "gunicorn", "cryptography"))
    return (
        f"{os.cpu_count()} cores of {cpu}; {platform.python_implementation()} {platform.python_version()}, {packages}; "
        f"load average when it began {os.getloadavg()[0]:.1f}."
    )
