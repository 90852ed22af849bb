"""The plugin at start-up: nothing without its ini line, and with it everything given back in the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.providers.child import RUN_SECONDS

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.

OFF, ON = "[pytest]\n", "[pytest]\nfotoweb_simulator = true\n"

LIGHT = """
import os, sys

def test_nothing_was_imported():
    assert "fotoweb_pytest" in sys.modules
    heavy = {"django", "flask", "fotoweb_middleware", "httpx", "jinja2", "starlette", "uvicorn"}
    assert heavy.intersection(sys.modules) == set()

def test_nothing_was_set():
    assert {name for name in os.environ if name.startswith("FOTOWEB_")} == {"FOTOWEB_URL"}
"""

GIVEN_BACK = """
import os, sys, threading, pytest

code = pytest.main(["-q", "-n0", "-p", "no:cacheprovider", "test_it.py"])
from fotoweb_middleware import asgi, context
given_back = asgi.Context is context.Context
named = {name: value for name, value in os.environ.items() if name.startswith("FOTOWEB_")}
print("AFTER", int(code), given_back, named, [thread.name for thread in threading.enumerate()])
"""

WITHOUT_UVICORN = "import sys; sys.modules['uvicorn'] = None; import pytest; sys.exit(pytest.main(['-q', '-n0']))"
MINE = {"FOTOWEB_URL": "https://real.example"}


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a project's folder, with a real site's address in the environment."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **MINE},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )


def write_project(folder: Path, ini: str, test: str) -> None:
    """Write a project of two files."""
    (folder / "pytest.ini").write_text(ini, encoding="utf-8")
    (folder / "test_it.py").write_text(test, encoding="utf-8")


def test_without_the_line_nothing_is_imported_or_set(tmp_path: Path) -> None:
    """Whoever has the package but not the line pays for one small module, and keeps the environment."""
    write_project(tmp_path, OFF, LIGHT)

    ended = run_python(tmp_path, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider")

    assert ended.returncode == 0, ended.stdout
    assert "2 passed" in ended.stdout


def test_everything_is_given_back(tmp_path: Path) -> None:
    """After the session the environment is as it was, nothing listens, and nothing is replaced."""
    write_project(tmp_path, ON, "def test_it(fotoweb):\n    assert fotoweb.url.startswith('http://127.0.0.1:')\n")

    ended = run_python(tmp_path, "-c", GIVEN_BACK)

    assert ended.stdout.splitlines()[-1] == f"AFTER 0 True {MINE} ['MainThread']", ended.stdout + ended.stderr


def test_the_extra_is_missing(tmp_path: Path) -> None:
    """With the line but without the extra, one message says what to install."""
    write_project(tmp_path, ON, "")

    ended = run_python(tmp_path, "-c", WITHOUT_UVICORN)

    assert ended.returncode == 4
    assert "ERROR: fotoweb_simulator needs: pip install 'fotoweb-middleware[testing]'" in ended.stderr
