"""Writes the last column of docs/internals/requirements.md and attacks.md: which tests show each requirement and case.

    python tools/index_tests.py

A code, such as R-AC1 or T-RP-01, in the docstring of a test, of its class or of its file says that the file shows it.
The other columns are written by hand.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = tuple(ROOT / "docs" / "internals" / name for name in ("requirements.md", "attacks.md"))
CODE = re.compile(r"\b(?:R-[A-Z]{2}[0-9]+|T-[A-Z]{2}-[0-9]{2})\b")
RANGE = re.compile(r"\b(R-[A-Z]{2})([0-9]+) to (?:R-[A-Z]{2})?([0-9]+)")
NO_TEST = "none names it"


def main() -> None:
    """Write both pages."""
    tests = code_index(ROOT / "tests")
    for path in PAGES:
        path.write_text(with_tests(path.read_text(encoding="utf-8"), tests), encoding="utf-8")


def with_tests(page: str, tests: dict[str, list[str]]) -> str:
    """Return a page with the last cell of each row that begins with a code made from ``tests``."""
    return "\n".join(row_with_tests(line, tests) for line in page.split("\n"))


def row_with_tests(line: str, tests: dict[str, list[str]]) -> str:
    """Return one line of a page, its last cell written where it is a row about a code."""
    first, *others = line.removeprefix("| ").removesuffix(" |").split(" | ")
    if not line.startswith("| ") or not CODE.fullmatch(first):
        return line
    files = ", ".join(f"`{file}`" for file in tests.get(first, [])) or NO_TEST
    return f"| {' | '.join([first, *others[:-1], files])} |"


def code_index(folder: Path) -> dict[str, list[str]]:
    """Return for each code the test files whose docstrings carry it, as paths below ``tests``, in order."""
    found: dict[str, list[str]] = {}
    for path in sorted([*folder.rglob("test_*.py"), folder / "soak" / "run.py"]):
        if path.is_relative_to(folder / "docs"):
            continue  # The tests of these pages name codes as examples.
        for code in sorted(codes_in_docstrings(path.read_text(encoding="utf-8"))):
            found.setdefault(code, []).append(path.relative_to(folder).as_posix())
    return found


def codes_in_docstrings(source: str) -> set[str]:
    """Return the codes in the docstrings of a file, its classes and its functions; "R-CS5 to R-CS7" names three."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, documented)]
    return set().union(*(codes_in(ast.get_docstring(node) or "") for node in nodes))


def codes_in(text: str) -> set[str]:
    """Return the codes that a text names."""
    ranges = [(group, int(first), int(last)) for group, first, last in RANGE.findall(text)]
    between = {f"{group}{number}" for group, first, last in ranges for number in range(first, last + 1)}
    return set(CODE.findall(text)) | between


if __name__ == "__main__":
    main()
