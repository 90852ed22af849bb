"""Users' projects, run as their authors run them: in random order, warnings being errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECTS = Path(__file__).parent / "projects"
RUN_SECONDS = 50
REAL_SITE = {
    "FOTOWEB_URL": "https://real.example",
    "FOTOWEB_CLIENT_ID": "real",
    "FOTOWEB_CLIENT_SECRET_FILE": "/no/such/file",
    "FOTOWEB_REDIRECT_URI": "https://app.example/oauth2/callback",
    "FOTOWEB_CACHE": "redis://redis.example/0",
}
"""What may be set where somebody runs tests. Nothing may call these hosts."""


def run_tests(project: str, *arguments: str) -> str:
    """Run a project's tests and return what pytest says; they must pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *arguments]
    ended = subprocess.run(
        command,
        cwd=PROJECTS / project,
        env={**os.environ, **REAL_SITE},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("project", sorted(path.name for path in PROJECTS.iterdir() if path.is_dir()))
def test_the_project_is_green(project: str) -> None:
    """All tests of the project pass, in one process."""
    said = run_tests(project, "-n0")

    assert re.search(r"^\d+ passed in", said, re.MULTILINE)


@pytest.mark.parametrize("project", ["fastapi_project", "edges_project"])
def test_the_project_is_green_on_two_workers(project: str) -> None:
    """With pytest-xdist each process has a simulator of its own."""
    said = run_tests(project, "-n2")

    assert re.search(r"^\d+ passed in", said, re.MULTILINE)
