"""``make bench``: measure, and print a table in Markdown: ``python -m tests.benchmarks.run known at_once``."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

__all__ = ["main"]

PARTS = ("known", "servers", "at_once", "silence", "memory")


def main(*parts: str) -> None:
    """Measure these parts, or all."""
    sys.stdout.write("| what | measured | goal |\n| --- | --- | --- |\n")
    for part in parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="fotoweb-bench-") as folder:
            Path(folder).chmod(0o700)
            os.environ["XDG_RUNTIME_DIR"] = folder  # Where local:// puts its file.
            for row in importlib.import_module(f"tests.benchmarks.{part}").measure():
                sys.stdout.write(f"| {' | '.join(row)} |\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
