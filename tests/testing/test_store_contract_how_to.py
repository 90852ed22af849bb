"""What docs/how-to/write-your-own-store.md shows: the store keeps every promise, and both middlewares work with it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware.testing import FakeFotoWeb
from tests.examples.browser import browse
from tools.code_blocks import HOW_TO, named_files

PAGE = HOW_TO / "write-your-own-store.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the files that the page shows; their names stand in their first lines."""
    for name, text in named_files(PAGE):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_every_block_is_a_file(folder: Path) -> None:
    """All Python of the page is written to files, and tried here."""
    names = {path.name for path in folder.iterdir()}

    assert names == {"dict_store.py", "test_dict_store.py", "wsgi.py", "asgi.py"}
    assert PAGE.read_text("utf-8").count("```python") == 4


def test_the_store_keeps_every_promise(folder: Path) -> None:
    """The page's test module passes, run as a reader runs it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_dict_store.py"]

    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=50)

    assert ended.returncode == 0, ended.stdout
    assert re.search(r"^\d{2} passed", ended.stdout, re.MULTILINE)


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_both_middlewares_take_it(folder: Path, interface: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through either middleware of the page a user logs in and reaches the app, in reference mode."""
    fotoweb = FakeFotoWeb()
    names: dict[str, Any] = {}
    with fotoweb.serve() as url:
        monkeypatch.setenv("FOTOWEB_URL", url)
        monkeypatch.setenv("FOTOWEB_CLIENT_ID", fotoweb.client.client_id)
        monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", fotoweb.client.client_secret)
        monkeypatch.setenv("FOTOWEB_SECRET_KEY", "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA")
        monkeypatch.setenv("FOTOWEB_COOKIE_MODE", "reference")
        exec(compile((folder / f"{interface}.py").read_text("utf-8"), interface, "exec"), names)  # noqa: S102 (ours)
        with browse(interface, names["application"]) as browser:
            browser.go(fotoweb.approve(browser.go("/").headers["location"]))

            assert browser.go("/").text == "Hello"
