"""The rule about skips, seen red: where nothing may be skipped, a skip fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


PLANTED = {"test": SKIPPING_TEST, "fixture": SKIPPING_FIXTURE, "module": SKIPPING_MODULE, "xfail": EXPECTED_FAILURE}


def run_pytest(folder: Path, *, nothing_skipped: bool) -> str:
    """Run the planted files in a process of its own, under this suite's conftest and an xdist worker."""
    for name, source in PLANTED.items():
        (folder / f"test_{name}.py").write_text(source, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-n", "1", "--rootdir", str(folder), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TEST_NOTHING_SKIPPED": str(int(nothing_skipped))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=50)
    return done.stdout


def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    """A skip in a test, in a fixture or of a whole module fails the run, and the reason is told; an xfail does not."""
    told = run_pytest(tmp_path, nothing_skipped=True)

    assert "skipped, but TEST_NOTHING_SKIPPED=1 says that nothing may be: Skipped: no such thing here" in told, told
    assert "1 failed, 1 xfailed, 2 errors" in told


def test_a_skip_passes_elsewhere(tmp_path: Path) -> None:
    """A user without the thing that a test needs still sees a green run."""
    told = run_pytest(tmp_path, nothing_skipped=False)

    assert "3 skipped, 1 xfailed" in told, told


def test_the_machines_own_settings_never_reach_a_test() -> None:
    """No FOTOWEB_ variable of the machine that runs the tests is left in the environment."""
    left = [name for name in os.environ if name.startswith("FOTOWEB_")]

    assert left == []
