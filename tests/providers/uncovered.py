"""Programs of our own that run without coverage looking on: where they fork, or where their memory or time counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["run_uncovered"]

ROOT = Path(__file__).parents[2]


def run_uncovered(*arguments: str, timeout_seconds: float) -> str:
    """Run Python with these arguments and return what it printed; fail where it does, and show what it said."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
