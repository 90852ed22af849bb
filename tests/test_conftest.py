"""The rule about skips, seen red: where nothing may be skipped, a skip fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SKIPPING_TEST = "import pytest\n\n\ndef test_it():\n    pytest.skip('no such thing here')\n"
SKIPPING_FIXTURE = (
    "import pytest\n\n\n@pytest.fixture\ndef thing():\n    pytest.skip('no such thing here')\n\n\n"
    "def test_it(thing):\n    pass\n"
)
SKIPPING_MODULE = (
    "import pytest\n\npytest.skip('no such thing here', allow_module_level=True)\n\n\ndef test_it():\n    pass\n"
)
EXPECTED_FAILURE = "import pytest\n\n\n@pytest.mark.xfail\ndef test_it():\n    raise AssertionError\n"


def run_pytest(folder: Path, source: str, *, nothing_skipped: bool) -> subprocess.CompletedProcess[str]:
    """Run one test file in a process of its own, under this suite's conftest and an xdist worker."""
    (folder / "test_planted.py").write_text(source, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-n", "1", "--rootdir", str(folder), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TEST_NOTHING_SKIPPED": str(int(nothing_skipped))}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=50)


@pytest.mark.parametrize(
    "source", [SKIPPING_TEST, SKIPPING_FIXTURE, SKIPPING_MODULE], ids=["test", "fixture", "module"]
)
def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path, source: str) -> None:
    """A skip in a test, in a fixture or of a whole module fails the run, and the reason is told."""
    done = run_pytest(tmp_path, source, nothing_skipped=True)

    assert done.returncode == 1, done.stdout
    assert "no such thing here" in done.stdout
    assert "skipped, but TEST_NOTHING_SKIPPED=1" in done.stdout


def test_a_skip_passes_elsewhere(tmp_path: Path) -> None:
    """A user without the thing that a test needs still sees a green run."""
    done = run_pytest(tmp_path, SKIPPING_FIXTURE, nothing_skipped=False)

    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    """An xfail stays what it is where nothing may be skipped."""
    done = run_pytest(tmp_path, EXPECTED_FAILURE, nothing_skipped=True)

    assert done.returncode == 0, done.stdout
    assert "1 xfailed" in done.stdout


def test_the_machines_own_settings_never_reach_a_test() -> None:
    """No FOTOWEB_ variable of whoever runs the tests is left in the environment."""
    left = [name for name in os.environ if name.startswith("FOTOWEB_")]

    assert left == []
