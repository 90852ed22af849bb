"""Mutation testing: ``make mutation``, or ``python -m tests.mutation.run fotoweb_middleware/gate.py``.

Each mutant is one small change of one module. The tests that reach its lines run against it, in a forked process, up to
the first that fails. A mutant that no test notices is a survivor: either a test is missing, or the change changes
nothing. ``docs/reference/mutation.md`` tells what is known of them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutation.cold import try_at_import
from tests.mutation.forks import in_child
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.reach import Reach
from tests.mutation.report import latest, report
from tests.mutation.warm import Warm, note

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "fotoweb_middleware"
MODULES = [
    PACKAGE / "gate.py",
    *(
        file
        for folder in ("stages", "journeys", "cookies", "fotoweb")
        for file in sorted((PACKAGE / folder).glob("*.py"))
    ),
]
FOLDERS = ("cookies", "fotoweb", "journeys", "stages", "site", "flows", "pages", "behaviour")
TESTS = [f"tests/{name}" for name in FOLDERS]
OPTIONS = [
    "-q",
    "--no-header",
    "--no-summary",
    "--override-ini=addopts=--import-mode=importlib",
    "--override-ini=tmp_path_retention_policy=none",
    "-Wignore::pytest.PytestAssertRewriteWarning",
    *(f"-pno:{plugin}" for plugin in ("randomly", "xdist", "cacheprovider")),
]
PREPARED = ("httpx", "cryptography.hazmat.primitives.ciphers.aead", "itsdangerous")
"""What costs most to import; the package itself is imported by forks alone."""


def main() -> int:
    """Try the mutants, print the report, and return 1 where one survives that nobody gave a reason for."""
    parser = argparse.ArgumentParser(description="Try mutants of the package's decisions.")
    parser.add_argument("modules", nargs="*", type=Path, default=MODULES)
    parser.add_argument("--seconds", type=float, default=3.0, help="time for the tests of one mutant")
    parser.add_argument("--folder", type=Path, default=ROOT / ".make" / "mutation")
    parser.add_argument("--survivors", action="store_true", help="only those that no run has killed so far")
    parser.add_argument("--report", action="store_true", help="only print what came the last time")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    results = chosen.folder / "results.jsonl"
    files = [str(file.resolve().relative_to(ROOT)) for file in chosen.modules]
    mutants = [mutant for file in files for mutant in mutants_of(ROOT, file)]
    if not chosen.report:
        known = latest(results) if chosen.survivors else {}
        tried = [mutant for mutant in mutants if mutant.key not in known or not known[mutant.key].is_killed]
        try_all(tried, chosen.folder, chosen.seconds, results)
    return report(results, mutants)


def try_all(mutants: Sequence[Mutant], folder: Path, budget_seconds: float, results: Path) -> None:
    """Try all mutants, one at a time: those inside of functions in one process that has everything imported."""
    reach_file = folder / "reach.json"
    reach_file.unlink(missing_ok=True)
    os.chdir(ROOT)
    for name in PREPARED:
        __import__(name)
    warm = Warm(
        ROOT,
        [mutant for mutant in mutants if mutant.function],
        mapped=MODULES,
        results=results,
        reach_file=reach_file,
        budget_seconds=budget_seconds,
    )
    options = [*OPTIONS, f"--basetemp={folder / 'tmp'}"]
    log = folder / "tests.log"
    if in_child(lambda: run_aside(log, [*options, *TESTS], warm)).result != pytest.ExitCode.OK:
        message = f"the tests could not be run: see {log}"
        raise RuntimeError(message)
    reach = Reach.load(reach_file)
    if failing := [name for name, passes in zip(reach.names, reach.passes, strict=True) if not passes]:
        sys.stderr.write(f"left out, since they fail without any mutant: {failing}\n")
    for mutant in mutants:
        if not mutant.function:
            note(results, try_at_import(ROOT, mutant, reach, options, budget_seconds))


def run_aside(log: Path, arguments: list[str], plugin: Warm) -> int:
    """Run pytest, and send what it prints into a file."""
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    return int(pytest.main(arguments, plugins=[plugin]))


if __name__ == "__main__":
    sys.exit(main())
