"""Importing the settings has no side effects (R-CF6, T-CF-06)."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.providers.uncovered import run_uncovered
from tests.settings.samples import ENVIRONMENT

ROOT = Path(__file__).parents[2]
TRIAL_SECONDS = 50
PROBE = """
import os, sys
import importlib.util, ipaddress, logging, pathlib, urllib.parse

# Loaded above: what the standard library reads while it is imported is its own.
seen = []

class Watched(dict):
    def __getitem__(self, name):
        seen.append(name)
        return super().__getitem__(name)
    def get(self, name, default=None):
        seen.append(name)
        return super().get(name, default)
    def __contains__(self, name):
        seen.append(name)
        return super().__contains__(name)
    def __iter__(self):
        seen.append("all of them")
        return super().__iter__()

def watch(event, arguments):
    if event.startswith("socket.") or event == "open" and not str(arguments[0]).endswith((".py", ".pyc")):
        seen.append((event, str(arguments[0])))

os.environ = Watched(os.environ)
sys.addaudithook(watch)
import fotoweb_middleware.settings
import fotoweb_middleware.settings.table
print([name for name in seen if "FOTOWEB" in str(name) or name == "all of them" or isinstance(name, tuple)])
"""


def test_import_reads_no_variable_no_file_and_opens_no_socket() -> None:
    """With wrong settings in the environment, the import alone reads none of them and raises nothing (T-CF-06)."""
    environment = os.environ | {"FOTOWEB_URL": "nonsense", "FOTOWEB_CLEINT_ID": "x", "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


def test_pydantic_is_no_dependency() -> None:
    """The settings need no library: importing pydantic-settings takes longer than a whole start (ADR 0025)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert [name for name in project["dependencies"] if name.startswith("pydantic")] == []


def test_start_imports_no_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    """To read the settings and wrap an app imports no pydantic, whichever the door, although it may be installed."""
    for name, value in {**ENVIRONMENT, "FOTOWEB_CACHE": "memory://"}.items():
        monkeypatch.setenv(name, value)
    code = (
        "import sys, fotoweb_middleware as ours;"
        "ours.FotoWebASGIMiddleware(print); ours.FotoWebWSGIMiddleware(print);"
        "print([name for name in sys.modules if name.startswith('pydantic')])"
    )

    assert run_uncovered("-c", code, timeout_seconds=TRIAL_SECONDS) == "[]\n"
