"""The pytest plugin: tests are collected once, then one run maps them to lines, and each mutant gets a fork."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

from tests.mutation.forks import in_child
from tests.mutation.mutants import Mutant, mutated
from tests.mutation.reach import Reach, Tested

SHARED_CACHES = frozenset({"sqlite", "local", "redis"})
NEED_MORE = ("browser", "rig", "redis", "benchmark")
"""Marks of tests that start something."""

SECOND_TRY = 4
"""How many times as long the tests may take of a mutant that survived the first ones."""

TIMED = ("test_linear", "test_accept_linear", "test_garbage_costs_little")
"""Tests that look at the clock of the machine: a slow moment would count as a kill."""

hypothesis_settings.register_profile(
    "mutation",
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


class Collected:
    """A pytest plugin that has the tests collected and runs none of them by itself.

    Args:
        wanted: The tests' node ids; None takes all that fit.
    """

    def __init__(self, wanted: frozenset[str] | None = None) -> None:
        self.wanted = wanted
        self.failed = ""
        self.items: dict[str, pytest.Item] = {}

    def pytest_sessionstart(self) -> None:
        """Make Hypothesis try the same examples for each mutant; before any test module is imported."""
        hypothesis_settings.load_profile("mutation")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that take part."""
        items[:] = [item for item in items if takes_part(item) and (self.wanted is None or item.nodeid in self.wanted)]
        self.items = {item.nodeid: item for item in items}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self.failed = report.nodeid

    def run(self, names: Sequence[str]) -> Iterator[str]:
        """Run tests, and yield each one's node id after it."""
        chosen = [self.items[name] for name in names]
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            yield item.nodeid

    def first_failure(self, names: Sequence[str]) -> str:
        """Run tests up to the first that fails, and return its node id; "" where none does."""
        for _ in self.run(names):
            if self.failed:
                return self.failed
        return ""


def takes_part(item: pytest.Item) -> bool:
    """Return whether a test is one of the fast ones that need nothing but this process."""
    call = getattr(item, "callspec", None)
    is_shared = call is not None and call.params.get("cache_address") in SHARED_CACHES
    name = getattr(item, "originalname", item.name)
    return not is_shared and name not in TIMED and not any(map(item.get_closest_marker, NEED_MORE))


class Warm(Collected):
    """Maps tests to lines and tries mutants inside of functions.

    Args:
        root: The project's folder.
        mutants: What to try.
        mapped: The files whose lines count.
        results: One JSON line for each mutant is added here.
        reach_file: Where the map lies, or is to lie.
        budget_seconds: How long the tests of one mutant take at most, going by their time without it.
    """

    def __init__(
        self,
        root: Path,
        mutants: Sequence[Mutant],
        *,
        mapped: Sequence[Path],
        results: Path,
        reach_file: Path,
        budget_seconds: float,
    ) -> None:
        super().__init__()
        self.root, self.mutants, self.mapped, self.results = root, mutants, list(map(str, mapped)), results
        self.reach_file, self.budget_seconds = reach_file, budget_seconds

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do everything, in place of running the tests."""
        functions = all_functions(self.root)
        gc.freeze()  # What is frozen is not copied for each fork, nor found by ``gc`` any more.
        if not self.reach_file.exists():
            came = in_child(lambda: self.map_lines(self.mapped))
            self.reach_file.write_text(json.dumps(came.result), encoding="utf-8")
        reach = Reach.load(self.reach_file)
        for mutant in self.mutants:
            note(self.results, self.try_mutant(mutant, reach, functions))
        return True

    def map_lines(self, files: list[str]) -> dict[str, Any]:
        """Run every test once, and return which of them reach which lines, and how long they take."""
        watcher = coverage.Coverage(data_file=None, config_file=False, include=files)
        tests: list[dict[str, Any]] = []
        watcher.start()
        names = list(self.items)
        runs = self.run(names)
        for number, name in enumerate(names):
            watcher.switch_context(str(number))
            self.failed = ""
            started = time.perf_counter()
            next(runs)
            tests.append({"name": name, "seconds": time.perf_counter() - started, "passes": not self.failed})
        watcher.stop()
        data = watcher.get_data()
        lines = {
            str(Path(file).relative_to(self.root)): {
                str(line): [int(context) for context in contexts if context]
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        return {"tests": tests, "lines": lines}

    def try_mutant(self, mutant: Mutant, reach: Reach, functions: dict[str, list[FunctionType]]) -> Tested:
        """Run the tests that reach the mutant; where none notices, more of them."""
        tested, done = Tested.of(mutant, "not reached"), 0
        for budget_seconds in (self.budget_seconds, SECOND_TRY * self.budget_seconds):
            names, seconds = reach.tests_for(self.root, mutant, budget_seconds)
            if len(names) > done and not tested.is_killed:
                tested, done = self.run_tests(mutant, names, seconds, functions), len(names)
        return tested

    def run_tests(
        self, mutant: Mutant, names: list[str], seconds: float, functions: dict[str, list[FunctionType]]
    ) -> Tested:
        """Run tests in a fork that has the mutant."""

        def work() -> str:
            silence()
            change_function(self.root, mutant, functions)
            return self.first_failure(names)

        started = time.monotonic()
        came = in_child(work, limit_seconds=15 + 8 * seconds)
        took = time.monotonic() - started
        if came.is_late or came.is_dead:
            return Tested.of(mutant, "timed out" if came.is_late else "died", seconds=took, tests=len(names))
        outcome = "killed" if came.result else "survived"
        return Tested.of(mutant, outcome, by=came.result, seconds=took, tests=len(names))


def note(results: Path, tested: Tested) -> None:
    """Add one result."""
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(tested.as_dict()) + "\n")


def silence() -> None:
    """Send whatever a child prints nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def all_functions(root: Path) -> dict[str, list[FunctionType]]:
    """Return every function of the package that is alive, by file and qualified name."""
    inside = str(root / "fotoweb_middleware")
    found: dict[str, list[FunctionType]] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename.startswith(inside):
            found.setdefault(code_key(thing.__code__), []).append(thing)
    return found


def code_key(code: CodeType) -> str:
    """Return what a function's code is found by, before and after a change."""
    return f"{code.co_filename}:{code.co_firstlineno}:{code.co_qualname}"


def change_function(root: Path, mutant: Mutant, functions: dict[str, list[FunctionType]]) -> None:
    """Give the living function the mutant's code: whoever imported it before has the mutant too."""
    module = compile(mutated(root, mutant), str(root / mutant.file), "exec", dont_inherit=True)
    codes = [code for code in all_codes(module) if code.co_qualname == mutant.function]
    changed = [(function, code) for code in codes for function in functions.get(code_key(code), ())]
    if not changed:
        raise LookupError(mutant.function)
    for function, code in changed:
        function.__code__ = code


def all_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object's own code objects, and theirs."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from all_codes(constant)
