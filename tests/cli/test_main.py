"""The entry point, with and without its extra."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.samples import run

WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from fotoweb_middleware.cli import main
sys.argv = ["fotoweb-middleware", {command!r}]
main()
"""


@pytest.mark.parametrize("missing", [["typer"], ["rich"], ["typer", "rich"]])
@pytest.mark.parametrize(("name", "extra"), [("secret", "cli"), ("demo", "demo"), ("simulator", "demo")])
def test_missing_extra_is_told_in_one_line(missing: list[str], name: str, extra: str) -> None:
    """Without typer or rich, a command names the extra that it needs in one plain line and ends with 1."""
    command = [sys.executable, "-c", WITHOUT.format(missing=missing, command=name)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"The command line needs: pip install 'fotoweb-middleware[{extra}]'\n"


def test_other_missing_modules_are_not_blamed_on_the_extra() -> None:
    """A module that is missing for another reason is a fault of its own."""
    command = [sys.executable, "-c", WITHOUT.format(missing=["httpx"], command="secret")]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "pip install" not in done.stderr


def test_entry_point_runs_a_command() -> None:
    """With the extra, the entry point runs the command that was asked for."""
    command = [sys.executable, "-c", WITHOUT.format(missing=[], command="secret")]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert len(done.stdout.strip()) >= 43


def test_help_lists_every_command() -> None:
    """The help names all commands."""
    text = run("--help").output

    assert [name for name in ("demo", "simulator", "check", "config", "secret") if name in text] == [
        "demo",
        "simulator",
        "check",
        "config",
        "secret",
    ]
