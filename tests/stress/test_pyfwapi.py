"""The recipe for pyfwapi, with the real pyfwapi, in the environment that `make .make/pyfwapi/done` makes for it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.servers.serving import ROOT, clean_environment

PYTHON = ROOT / ".make" / "pyfwapi" / "bin" / "python"


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Return what the recipe did."""
    if not PYTHON.exists():
        pytest.skip("no pyfwapi here: it needs Python 3.12 or later; then run `make .make/pyfwapi/done`")
    done = subprocess.run(
        [PYTHON, "-m", "tests.stress.pyfwapi_recipe"],
        cwd=ROOT,
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_it_acts_as_the_user(told: dict[str, Any]) -> None:
    """It lists Alice's archives, not all that an administrator sees."""
    assert told["first"] == ["Nordic coast", "Garden and greenhouse"]


def test_it_gets_a_new_token_when_the_old_one_has_expired(told: dict[str, Any]) -> None:
    """Through the session, and never by itself as an administrator."""
    assert told["later"] == told["first"]
    assert told["grants"] == ["authorization_code", "refresh_token"]


def test_it_hands_on_a_401(told: dict[str, Any]) -> None:
    """A token that FotoWeb has ended early is not replaced, as the page says."""
    assert told["ended"] == 401
