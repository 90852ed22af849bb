"""Users' projects, run as their authors run them: in random order, warnings being errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.providers.child import RUN_SECONDS

PROJECTS = Path(__file__).parent / "projects"
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "test-your-app.md"

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.

REAL_SITE = {
    "FOTOWEB_URL": "https://real.example",
    "FOTOWEB_CLIENT_ID": "real",
    "FOTOWEB_CLIENT_SECRET_FILE": "/no/such/file",
    "FOTOWEB_REDIRECT_URI": "https://app.example/oauth2/callback",
    "FOTOWEB_CACHE": "redis://redis.example/0",
}
"""What may be set where somebody runs tests. Nothing may call these hosts."""


def run_tests(folder: Path, *arguments: str) -> str:
    """Run the tests of a folder, without pytest-django, and return what pytest says; they must pass."""
    plugins = ("-p", "no:cacheprovider", "-p", "no:django")
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "-W", "error", *arguments]
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **REAL_SITE},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "uvicorn" not in ended.stdout + ended.stderr  # The simulator's server; Litestar writes all loggers' lines.
    return ended.stdout


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_the_projects_are_green(processes: str) -> None:
    """All tests of all projects pass, in one process and on two workers, each with a simulator of its own."""
    said = run_tests(PROJECTS, processes)

    assert re.search(r"^\d+ passed in", said, re.MULTILINE)


def test_what_the_page_shows_is_green(tmp_path: Path) -> None:
    """The files of docs/how-to/test-your-app.md are a project whose tests pass."""
    blocks = re.findall(r"^```(?:python|ini)\n# (\S+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    for name, text in blocks:
        (tmp_path / name).write_text(text, encoding="utf-8")

    said = run_tests(tmp_path, "-n0")

    assert [name for name, _ in blocks] == ["pytest.ini", "main.py", "test_main.py", "test_more.py"]
    assert "4 passed in" in said
