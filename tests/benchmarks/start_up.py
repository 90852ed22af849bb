"""Part d: what a process pays before its first request, beside what Authlib's client for Starlette costs to import."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.report import Goal, Report, Table

__all__ = ["measure"]

ROOT = Path(__file__).parents[2]
STARTS = 25
GOAL = Goal(0.6)
ENTRIES = 12

OURS = """
import fotoweb_middleware as ours
ours.{door}(lambda *_: None, ours.Settings(url="https://fotoweb.test", client_id="c", client_secret="s" * 20,
    secret_key="ZcR5vYy1oM8n3xkQe7WbL2uT9fGdHs4jKaPpXiCq"))
"""
PROGRAMS = {
    "`import fotoweb_middleware`, an ASGI app wrapped": OURS.format(door="FotoWebASGIMiddleware"),
    "the same, WSGI": OURS.format(door="FotoWebWSGIMiddleware"),
    "`import fotoweb_middleware` alone": "import fotoweb_middleware",
    "`import authlib.integrations.starlette_client`": "import authlib.integrations.starlette_client",
    "`import starlette.middleware.sessions`": "import starlette.middleware.sessions",
}
REFERENCE = "`import authlib.integrations.starlette_client`"
TIMED = """
import time
began, began_computing = time.perf_counter(), time.process_time()
{program}
print(time.perf_counter() - began, time.process_time() - began_computing)
"""


def measure() -> Report:
    """Start processes in turn, and look where the import's time goes."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="fotoweb-bench-") as folder:
        Path(folder).chmod(0o700)
        # Compiled modules are read from there and nowhere else, once the first start has written them.
        variables = {**os.environ, "XDG_RUNTIME_DIR": folder, "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
        for program in PROGRAMS.values():
            run(["-c", program], variables)
        for _ in range(STARTS):
            for name, program in PROGRAMS.items():
                told = run(["-c", TIMED.format(program=program)], variables).stdout.split()
                taken[name].append((float(told[0]), float(told[1])))
        traced = run(
            ["-X", "importtime", "-c", PROGRAMS["`import fotoweb_middleware`, an ASGI app wrapped"]], variables
        )
    report.tables += [start_table(taken, report), import_table(traced.stderr)]
    return report


def run(arguments: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, without the time to start Python itself."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True, timeout=60)


def start_table(taken: dict[str, list[tuple[float, float]]], report: Report) -> Table:
    """Return a row for each program."""
    table = Table(
        f"Each {STARTS} times in a fresh process, in turn; the median. Python's own start is not in it.",
        ("what", "ms", "ms of computing", "ratio of computing", "goal"),
    )
    medians = {name: tuple(map(statistics.median, zip(*times, strict=True))) for name, times in taken.items()}
    for name, (wall, computing) in medians.items():
        ratio = computing / medians[REFERENCE][1]
        goal = GOAL if "wrapped" in name or "WSGI" in name else None
        verdict = report.judge(f"start-up, {name}", ratio, goal)
        table.rows.append((name, f"{wall * 1e3:.0f}", f"{computing * 1e3:.0f}", f"{ratio:.2f}", verdict))
    return table


def import_table(told: str) -> Table:
    """Return which packages take how much of the import, each without those that are imported from it."""
    own: dict[str, int] = {}
    for found in re.finditer(r"^import time:\s+(\d+) \|\s+\d+ \|\s*([\w.]+)$", told, re.MULTILINE):
        package = found[2].partition(".")[0]
        package = package if package in NAMED or package not in sys.stdlib_module_names else "the standard library"
        own[package] = own.get(package, 0) + int(found[1])
    total = sum(own.values())
    largest = sorted(own.items(), key=lambda entry: -entry[1])[:ENTRIES]
    table = Table(
        "Where the import's time goes: one traced start, each package's own modules without those they import.",
        ("package", "ms", "share"),
    )
    table.rows += [(f"`{name}`", f"{spent / 1e3:.1f}", f"{spent / total:.0%}") for name, spent in largest]
    table.rows.append(("all", f"{total / 1e3:.1f}", "100%"))
    return table


NAMED = frozenset({"asyncio", "ssl", "sqlite3", "email"})
"""Parts of the standard library with a row of their own."""
