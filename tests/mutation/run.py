"""Mutation testing: ``make mutation``, or ``python -m tests.mutation.run --count 50 fotoweb_middleware/request.py``.

Takes a random sample of small changes of the package, makes each in a copy of the project, and runs the tests of core,
stores and behaviour on it, up to the first that fails. A change that no test notices is printed: either a test is
missing, or the change changes nothing. About half a minute for each change.
"""

from __future__ import annotations

import argparse
import ast
import copy
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).parents[2]
TESTS = ("tests/core", "tests/fotoweb", "tests/stores", "tests/behaviour")
PYTEST = (
    "-x",
    "-q",
    "-n2",
    "--no-header",
    "--durations=0",
    "--timeout=60",
    "-p",
    "no:randomly",
    "-p",
    "no:cacheprovider",
)
MOST_SECONDS = 600
SKIPPED_FOLDERS = ("testing", "demo", "cli")
IGNORED = shutil.ignore_patterns(".git", ".venv", ".make", "node_modules", "__pycache__", ".*_cache", ".hypothesis")
SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file.

    Attributes:
        file: Relative to the project.
        node: Where the changed node stands in ``ast.walk``.
        line: Where it is.
        told: The code before and after.
    """

    file: Path
    node: int
    line: int
    told: str

    def source(self) -> str:
        """Return the whole file with the change."""
        tree = ast.parse((ROOT / self.file).read_text(encoding="utf-8"))
        change(list(ast.walk(tree))[self.node])
        return ast.unparse(ast.fix_missing_locations(tree))


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Yield every change of a file."""
    for number, node in enumerate(ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))):
        changed = copy.copy(node)
        if is_of_interest(node) and change(changed):
            told = f"{first_line(node)}  ->  {first_line(changed)}"
            yield Mutant(file, number, node.lineno, told)  # type: ignore[attr-defined]


def first_line(node: ast.AST) -> str:
    """Return the first line of a node's code."""
    return ast.unparse(ast.fix_missing_locations(node)).partition("\n")[0]


def is_of_interest(node: ast.AST) -> bool:
    """Return whether a node may be changed."""
    return isinstance(node, ast.Compare | ast.BinOp | ast.BoolOp | ast.If | ast.IfExp | ast.Return | ast.Constant)


def change(node: ast.AST) -> bool:
    """Change a node in place; return whether there was anything to change."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in SWAPPED:
            node.ops = [SWAPPED[type(op)]()]  # type: ignore[list-item]
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in SWAPPED:
            node.op = SWAPPED[type(op)]()  # type: ignore[assignment]
        case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(test, ast.Compare):
            node.test = ast.UnaryOp(ast.Not(), test)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            node.value = ast.Constant(None)
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value) | float(value)):
            node.value = value + 1
        case _:
            return False
    return True


def is_noticed(mutant: Mutant, project: Path) -> bool:
    """Return whether a test fails on the change, made in a copy of the project."""
    file = project / mutant.file
    original = file.read_text(encoding="utf-8")
    file.write_text(mutant.source(), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *PYTEST, *TESTS]
    try:
        ended = subprocess.run(command, cwd=project, capture_output=True, timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.write_text(original, encoding="utf-8")
    return ended.returncode != 0


def main() -> int:
    """Try a sample, print what survives, and return 1 where something does."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="modules of the package; all by default")
    parser.add_argument("--count", type=int, default=100, help="how many changes to try")
    parser.add_argument("--seed", type=int, default=None, help="which sample; printed by each run")
    chosen = parser.parse_args()
    package = (file.relative_to(ROOT) for file in (ROOT / "fotoweb_middleware").rglob("*.py"))
    files = chosen.files or sorted(file for file in package if file.parts[1] not in SKIPPED_FOLDERS)
    seed = random.randrange(10**6) if chosen.seed is None else chosen.seed
    mutants = [mutant for file in files for mutant in mutants_of(file)]
    sample = random.Random(seed).sample(mutants, min(chosen.count, len(mutants)))
    sys.stdout.write(f"{len(sample)} of {len(mutants)} changes, --seed {seed}\n")
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(ROOT, project, ignore=IGNORED)
        for mutant in sample:
            if not is_noticed(mutant, project):
                survived += 1
                sys.stdout.write(f"survived: {mutant.file}:{mutant.line}  {mutant.told}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{len(sample) - survived} noticed, {survived} survived\n")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
