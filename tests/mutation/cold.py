"""Mutants of what runs at import: a fork imports the package anew, with the mutant in it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from tests.mutation.forks import in_child
from tests.mutation.mutants import Mutant, mutated
from tests.mutation.reach import Reach, Tested
from tests.mutation.warm import SECOND_TRY, Collected, silence


class Changed(importlib.machinery.SourceFileLoader):
    """Loads one module with a mutant in it."""

    code: CodeType

    def get_code(self, fullname: str) -> CodeType:
        """Return the mutant's code."""
        return self.code


class ChangedFinder(importlib.abc.MetaPathFinder):
    """Finds the one module that is changed."""

    def __init__(self, root: Path, mutant: Mutant) -> None:
        file = Path(mutant.file)
        parts = file.with_suffix("").parts
        self.name = ".".join(parts)
        self.file = str(root / file)
        self.code = compile(mutated(root, mutant), self.file, "exec", dont_inherit=True)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how to load the changed module; None for all others."""
        if fullname != self.name:
            return None
        loader = Changed(fullname, self.file)
        loader.code = self.code
        return importlib.util.spec_from_file_location(fullname, self.file, loader=loader)


class Cold(Collected):
    """Runs the wanted tests up to the first that fails."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(frozenset(names))
        self.names = names
        self.came = "the package could not be imported, or its tests not be collected"

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run them; a test module that does not import has noticed too."""
        if not session.testsfailed and set(self.names) <= set(self.items):
            self.came = self.first_failure(self.names)
        return True


def try_at_import(root: Path, mutant: Mutant, reach: Reach, options: list[str], budget_seconds: float) -> Tested:
    """Import the package with the mutant in a fork, and run the tests that use what it changes."""
    budget_seconds *= SECOND_TRY  # To import the package anew takes longer than most tests: there is one try.
    names = reach.tests_for_import(root, mutant, budget_seconds)
    if not names:
        return Tested.of(mutant, "not reached")

    def work() -> str:
        silence()
        sys.meta_path.insert(0, ChangedFinder(root, mutant))
        plugin = Cold(names)
        files = sorted({name.partition("::")[0] for name in names})
        pytest.main([*options, *files], plugins=[plugin])
        return plugin.came

    started = time.monotonic()
    came = in_child(work, limit_seconds=60 + 8 * budget_seconds)
    took = time.monotonic() - started
    if came.is_late or came.is_dead:
        return Tested.of(mutant, "timed out" if came.is_late else "died", seconds=took, tests=len(names))
    return Tested.of(mutant, "killed" if came.result else "survived", by=came.result, seconds=took, tests=len(names))
