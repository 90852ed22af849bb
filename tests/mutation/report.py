"""The figures, and the survivors that nobody gave a reason for."""

from __future__ import annotations

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.mutants import Mutant
from tests.mutation.reach import Tested

KNOWN = Path(__file__).with_name("survivors.toml")
LEAST_KILLED_PERCENT = 90.0


def report(results: Path, mutants: Sequence[Mutant]) -> int:
    """Print the figures by module and the survivors; return 1 where too many survive, or one without a reason.

    Args:
        results: A line for each mutant that was tried, the newest last.
        mutants: Those that there are.
    """
    tried = latest(results)
    tested = [tried.get(mutant.key) or Tested.of(mutant, "not tried") for mutant in mutants]
    known = {key for group in read_known().values() for key in group["mutants"]}
    say("| module | mutants | killed | of these timed out | survived | not reached | killed % |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    for module in [*sorted({each.file for each in tested}), "all"]:
        say(row(module, [each for each in tested if module in {each.file, "all"}]))
    left = [each for each in tested if not each.is_killed]
    unknown = [each for each in left if each.key not in known]
    for each in unknown:
        say(f"{each.outcome}: line {each.line} of {each.key}")
    say(f"{len(left)} are left, {len(unknown)} of them without a reason in {KNOWN.name}.")
    killed_percent = 100 * (len(tested) - len(left)) / max(1, len(tested))
    return int(bool(unknown) or killed_percent < LEAST_KILLED_PERCENT)


def latest(results: Path) -> dict[str, Tested]:
    """Return what came of each mutant the last time, by its key."""
    lines = results.read_text(encoding="utf-8").splitlines()
    return {each.key: each for each in (Tested(**json.loads(line)) for line in lines)}


def read_known() -> dict[str, dict[str, list[str]]]:
    """Return the groups of survivors that stay, each with its mutants; the reasons stand beside them."""
    return tomllib.loads(KNOWN.read_text(encoding="utf-8"))


def row(module: str, tested: list[Tested]) -> str:
    """Return a module's row of the table."""
    counted = Counter(each.outcome for each in tested)
    killed = sum(each.is_killed for each in tested)
    percent = f"{100 * killed / len(tested):.1f}"
    cells = [len(tested), killed, counted["timed out"], counted["survived"], counted["not reached"], percent]
    return f"| {module.removeprefix('fotoweb_middleware/')} | {' | '.join(map(str, cells))} |"


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
