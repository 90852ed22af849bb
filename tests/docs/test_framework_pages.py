"""The pages of frameworks: the app and the tests that they show are a project whose tests pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.providers.child import RUN_SECONDS
from tools.code_blocks import HOW_TO

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.


@pytest.mark.parametrize("page", ["fastapi.md", "litestar.md", "starlette.md"])
def test_the_tests_of_the_page_pass(page: str, tmp_path: Path) -> None:
    """The page's files, and nothing else, are green, warnings being errors."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    files = re.findall(r"^```(?:python|ini)\n# (\S+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for name, content in files:
        (tmp_path / name).write_text(content, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )

    assert [name for name, _ in files] == ["main.py", "pytest.ini", "test_main.py"]
    assert "4 passed in" in ended.stdout, ended.stdout + ended.stderr
