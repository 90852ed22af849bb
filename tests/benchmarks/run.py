"""``make bench``: measure, and write what was found into ``docs/reference/performance.md``.

``python -m tests.benchmarks.run [PART...]``; without parts, all of them. ``requirements/bench.lock`` must be installed.
A part that lacks something else, such as Debian's ``wrk``, says so and leaves its place in the page alone.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from tests.benchmarks.report import Report, machine, write_into

__all__ = ["main"]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "performance.md"
PARTS = ("in_process", "hot_path", "sockets", "storms", "start_up", "memory")


def main(arguments: list[str] | None = None) -> int:
    """Measure the parts that were asked for; return 0 whether goals were met or not, since machines differ."""
    parser = argparse.ArgumentParser(prog="make bench PARTS=", description="Measure and write the page.")
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the tables go")
    asked = parser.parse_args(arguments)
    parts = asked.parts or PARTS
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}")
    missed = []
    for part in parts:
        sys.stdout.write(f"\n{part} …\n")
        sys.stdout.flush()
        where = machine()
        report: Report = importlib.import_module(f"tests.benchmarks.{part}").measure()
        if not report.tables:
            sys.stdout.write("\n".join([*report.notes, ""]))
            continue
        text = f"{report}\n\n{where} `make bench PARTS={part}`"
        write_into(asked.page, part, text)
        sys.stdout.write(f"{text}\n")
        missed += [f"{part}: {line}" for line in report.missed]
    sys.stdout.write("\n".join(["", f"Goals that were not met: {len(missed)}", *missed, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
