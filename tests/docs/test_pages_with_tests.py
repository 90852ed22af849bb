"""Pages that show an app and its tests: their files, and nothing else, are a project whose tests pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.pytest_run import run_tests
from tools.code_blocks import HOW_TO, named_files

MAIN, APP = ("main.py", "pytest.ini", "test_main.py"), ("app.py", "pytest.ini", "test_app.py")


@pytest.mark.timeout(180)  # See RUN_SECONDS.
@pytest.mark.parametrize(
    ("page", "names", "count"),
    [
        ("fastapi.md", MAIN, 5),
        ("flask.md", APP, 2),
        ("litestar.md", MAIN, 5),
        ("quart.md", APP, 2),
        ("starlette.md", MAIN, 5),
        ("test-your-app.md", ("pytest.ini", "main.py", "test_main.py", "test_more.py"), 4),
    ],
)
def test_the_tests_of_the_page_pass(page: str, names: tuple[str, ...], count: int, tmp_path: Path) -> None:
    """Whoever saves the files of a page and runs pytest sees all tests pass, with no FotoWeb and no variable set."""
    files = named_files(HOW_TO / page)
    for name, text in files:
        (tmp_path / name).write_text(text, encoding="utf-8")

    said = run_tests(tmp_path)

    assert tuple(name for name, _ in files) == names
    assert f"{count} passed in" in said
