"""Which tests reach which lines, and what came of a mutant."""

from __future__ import annotations

import ast
import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation.mutants import Mutant


@dataclass(frozen=True)
class Tested:
    """What came of one mutant.

    Attributes:
        key: The mutant's.
        file: Its module.
        line: Where it is.
        kind: The sort of change.
        outcome: "killed", "timed out", "died" (all three count as killed), "survived" or "not reached".
        by: The first test that failed.
        seconds: How long its tests ran.
        tests: How many tests were to run.
    """

    key: str
    file: str
    line: int
    kind: str
    outcome: str
    by: str = ""
    seconds: float = 0.0
    tests: int = 0

    @classmethod
    def of(cls, mutant: Mutant, outcome: str, *, by: str = "", seconds: float = 0.0, tests: int = 0) -> Tested:
        """Return what came of a mutant."""
        return cls(mutant.key, mutant.file, mutant.line, mutant.kind, outcome, by, round(seconds, 2), tests)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        return dataclasses.asdict(self)

    @property
    def is_killed(self) -> bool:
        """Whether a test noticed, be it by not coming to an end."""
        return self.outcome in {"killed", "timed out", "died"}


@dataclass(frozen=True)
class Reach:
    """The map from lines to tests.

    Attributes:
        names: The tests' node ids.
        seconds: How long each one takes, under coverage.
        passes: Whether each one passes without a mutant.
        lines: File to line to the numbers of the tests that reach it.
    """

    names: list[str]
    seconds: list[float]
    passes: list[bool]
    lines: dict[str, dict[int, list[int]]]

    @classmethod
    def load(cls, file: Path) -> Reach:
        """Read a map."""
        told = json.loads(file.read_text(encoding="utf-8"))
        lines = {path: {int(line): tests for line, tests in by.items()} for path, by in told["lines"].items()}
        tests = told["tests"]
        return cls(
            [test["name"] for test in tests],
            [test["seconds"] for test in tests],
            [test["passes"] for test in tests],
            lines,
        )

    def tests_for(self, root: Path, mutant: Mutant, budget_seconds: float) -> tuple[list[str], float]:
        """Return the tests that reach a mutant inside of a function, and how long they take.

        Those that reach the function at all come after them: once an error was thrown into a generator that delegates
        to another, Python tells no tracer of the lines that follow.
        """
        first, last = mutant.lines
        by_line = self.lines.get(mutant.file, {})
        on_line = {test for line in range(first, last + 1) for test in by_line.get(line, ())}
        name = mutant.function.rpartition(".")[2]
        around = {test for line in lines_of_function(root / mutant.file, name) for test in by_line.get(line, ())}
        return self.choose(on_line, around - on_line, mutant.file, budget_seconds)

    def choose(self, reaching: set[int], around: set[int], file: str, budget_seconds: float) -> tuple[list[str], float]:
        """Return as many tests as fit into a time: the module's own first, one of each function first, the quick first.

        Args:
            reaching: The numbers of the tests that reach the mutant.
            around: The numbers of those that come near it.
            file: The mutant's, whose own tests lie in the folder of the same name.
            budget_seconds: The time for all of them.
        """
        nearest = (f"tests/{Path(file).parts[1]}/", "tests/flows/", "tests/")
        seen: Counter[str] = Counter()
        ranked = []
        for number in sorted(reaching | around, key=lambda number: self.seconds[number]):
            if self.passes[number]:
                function = self.names[number].partition("[")[0]
                seen[function] += 1
                far = next(place for place, folder in enumerate(nearest) if self.names[number].startswith(folder))
                ranked.append((far, number in around, min(seen[function], 3), self.seconds[number], number))
        chosen: list[str] = []
        total_seconds = 0.0
        for *_, seconds, number in sorted(ranked):
            if not chosen or total_seconds + seconds <= budget_seconds:
                chosen.append(self.names[number])
                total_seconds += seconds
        return chosen, total_seconds

    def tests_for_import(self, root: Path, mutant: Mutant, budget_seconds: float) -> list[str]:
        """Return the tests that may notice a mutant of what runs at import.

        Those that reach a line on which the name stands; then those of the module's own folder, since what Python makes
        of a class (such as a repr) has no line; then all that reach the module.
        """
        name = mutant.owner.rpartition(".")[2]
        using = {
            test
            for file, by_line in self.lines.items()
            for line in lines_that_use(root / file, name)
            for test in by_line.get(line, ())
        }
        folder = f"tests/{Path(mutant.file).parts[1]}/"
        every = {test for tests in self.lines.get(mutant.file, {}).values() for test in tests}
        every |= {number for number, test in enumerate(self.names) if test.startswith(folder)}
        return self.choose(using, every - using, mutant.file, budget_seconds)[0]


def lines_that_use(file: Path, name: str) -> Iterator[int]:
    """Yield the lines on which a name stands, and those of a function of that name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=used) | ast.Attribute(attr=used) if used == name:
                yield node.lineno
            case _:
                pass
    yield from lines_of_function(file, name)


@functools.cache
def lines_of_function(file: Path, name: str) -> frozenset[int]:
    """Return the lines of the functions and methods of a name."""
    return frozenset(
        line
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == name
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )
