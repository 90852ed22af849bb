"""Importing the settings has no side effects (R-CF6, T-CF-06)."""

from __future__ import annotations

import os
import subprocess
import sys

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
    if event.startswith("socket.") or event == "open" and not str(arguments[0]).endswith((".py", ".pyc", "style.css")):
        seen.append((event, str(arguments[0])))

os.environ = Watched(os.environ)
sys.addaudithook(watch)
import fotoweb_middleware.settings
import fotoweb_middleware.settings.describe
print([name for name in seen if "FOTOWEB" in str(name) or name == "all of them" or isinstance(name, tuple)])
print([name for name in sys.modules if name.startswith("pydantic")])
"""


def test_import_reads_no_variable_no_file_and_opens_no_socket() -> None:
    """With wrong settings in the environment, the import alone reads none of them and raises nothing (T-CF-06).

    The package's own style sheet is read: the pages are made with it.

    Nor does it import pydantic, which takes longer than a whole start (ADR 0025).
    """
    environment = os.environ | {"FOTOWEB_URL": "nonsense", "FOTOWEB_CLEINT_ID": "x", "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == ("[]\n[]\n", "", 0)
