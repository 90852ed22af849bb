"""Users' projects, run as their authors run them: in random order, warnings being errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.providers.pytest_run import run_tests

PROJECTS = Path(__file__).parent / "projects"


@pytest.mark.timeout(180)  # See RUN_SECONDS.
@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_the_projects_are_green(processes: str) -> None:
    """All tests of all projects pass, in one process and on two workers, each with a simulator of its own."""
    said = run_tests(PROJECTS, processes, "-p", "no:django")  # The Django project has no need of pytest-django.

    assert re.search(r"^\d+ passed in", said, re.MULTILINE)
