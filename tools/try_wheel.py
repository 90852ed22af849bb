"""Installs a wheel as its users do, without any extra, in a fresh environment of each Python, and tries it.

    python -m tools.try_wheel WHEEL PYTHON...

Asks the network for the dependencies.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEEDS_DEMO = "needs: pip install 'fotoweb-middleware[demo]'"
IMPORT = "import fotoweb_middleware; print(fotoweb_middleware.Settings.__name__)"
TRIALS = (
    (("python", "-c", IMPORT), 0, "Settings"),
    (("fotoweb-middleware", "--version"), 0, "fotoweb-middleware {version}"),
    (("fotoweb-middleware", "secret"), 0, ""),
    (("fotoweb-middleware", "check"), 1, "FOTOWEB_URL is not set"),
    (("fotoweb-middleware", "simulator"), 1, NEEDS_DEMO),
    (("fotoweb-middleware", "demo"), 1, NEEDS_DEMO),
)
"""What is run in the environment, its exit code, and words that it must say."""


def main(wheel: Path, pythons: list[str]) -> int:
    """Try the wheel on each Python, and return the exit status."""
    all_faults = []
    for python in pythons:
        with tempfile.TemporaryDirectory(prefix="fotoweb-wheel-") as folder:
            faults = [fault for fault in try_in(Path(folder), wheel.absolute(), python) if fault]
        print(f"{python}: {'; '.join(faults) or 'installs without extras, imports, and its commands work'}", flush=True)
        all_faults += faults
    return 1 if all_faults or not pythons else 0


def try_in(folder: Path, wheel: Path, python: str) -> list[str]:
    """Install the wheel into a new environment in ``folder``, and return for each trial what is wrong, or ""."""
    venv = folder / "venv"
    subprocess.run([python, ROOT / "tools/make_venv.py", venv], check=True)  # noqa: S603 (our own tool)
    pip: list[str | Path] = [
        venv / "bin/python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "install",
        wheel,
    ]
    subprocess.run(pip, cwd=folder, check=True)  # noqa: S603 (pip)
    version = wheel.name.split("-")[1]
    return [trial(folder, venv, command, code, words.format(version=version)) for command, code, words in TRIALS]


def trial(folder: Path, venv: Path, command: tuple[str, ...], code: int, words: str) -> str:
    """Run a command of the environment, and return what is wrong with how it ends."""
    without_settings = {name: value for name, value in os.environ.items() if not name.startswith("FOTOWEB_")}
    done = subprocess.run(  # noqa: S603 (our own commands)
        [venv / "bin" / command[0], *command[1:]],
        cwd=folder,
        env=without_settings,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    return (
        ""
        if done.returncode == code and said and words in said
        else f"{' '.join(command)} ended with {done.returncode}: {said}"
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
