"""docs/tutorial.md, walked from top to bottom: its commands run, its files work, and what it shows is what comes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.demo.person import Person
from tests.providers.child import RUN_SECONDS, Child
from tests.providers.ports import free_port
from tools.code_blocks import DOCS

PAGE = DOCS / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ENVIRONMENT = "python3 -m venv .venv\n. .venv/bin/activate\n"
ACTIVATE = ". .venv/bin/activate\n"
TOKEN_SECONDS = 3


class Walk:
    """The page's blocks, taken one after another, in a folder.

    Args:
        folder: The reader's, empty.
        changes: What is another number here than on the page: ports that are free, tokens that age faster.
    """

    def __init__(self, folder: Path, changes: dict[str, str]) -> None:
        page = PAGE.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in page
            page = page.replace(old, new)
        self.folder = folder
        self.page = page
        self._blocks: list[tuple[str, str]] = BLOCK.findall(page)

    def take(self, language: str) -> str:
        """Return the next block, which must be of this language."""
        found, text = self._blocks.pop(0)
        assert found == language, text
        return text

    def save(self, language: str) -> None:
        """Add the next block to the file whose name stands above it."""
        text = self.take(language)
        name = text.partition("\n")[0].removeprefix("# ")
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def check(self, language: str, seen: str) -> None:
        """Compare what was seen with the next block; an ellipsis there stands for anything."""
        shown = re.escape(self.take(language).strip()).replace("…", ".*")
        assert re.search(shown, seen), seen

    def is_over(self) -> bool:
        """Return whether every block was taken."""
        return not self._blocks


def terminal(variables: dict[str, str] | None = None) -> dict[str, str]:
    """Return a terminal's environment: the project's programs in reach, and no variable but these of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOTOWEB_")}
    return {**inherited, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **(variables or {})}


def exported(lines: str) -> dict[str, str]:
    """Return the variables of ours that a terminal has after these lines."""
    command = ["sh", "-euc", f"{lines}\nenv"]
    done = subprocess.run(command, env=terminal(), capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("FOTOWEB_"))


@contextmanager
def running(command: str, folder: Path, ready: str, variables: dict[str, str] | None = None) -> Iterator[Child]:
    """Run a command in a terminal until the block ends, once it has said that it is ready."""
    child = Child(["sh", "-euc", f"exec {command}"], environment=terminal(variables), folder=folder)
    try:
        child.wait_for_line(ready, timeout_seconds=RUN_SECONDS)
        yield child
    finally:
        child.stop()


@pytest.mark.timeout(180)  # See RUN_SECONDS.
def test_the_tutorial_works_word_for_word(tmp_path: Path) -> None:
    """Whoever follows the tutorial from an empty folder sees what it shows, step by step."""
    fotoweb_port, port = str(free_port()), str(free_port())
    changes = {
        "--token-seconds 20": f"--token-seconds {TOKEN_SECONDS} --port {fotoweb_port}",
        "127.0.0.1:9000": f"127.0.0.1:{fotoweb_port}",
        "uvicorn main:app": f"uvicorn main:app --port {port}",
        "localhost:8000": f"localhost:{port}",
    }
    walk = Walk(tmp_path, changes)
    assert ENVIRONMENT in walk.take("sh")  # What it installs is what these tests run in.
    with running(walk.take("sh").removeprefix(ACTIVATE).strip(), tmp_path, "Ctrl+C") as simulator:
        said = "\n".join(simulator.lines)
        walk.check("text", said)
        variables = exported(said)
        with Person(f"http://localhost:{port}") as alice:
            sign_in_and_out(walk, variables, alice)
    walk.save("ini")
    walk.save("python")
    with running(f"{walk.take('sh').strip()} -p no:cacheprovider", tmp_path, " in ", variables) as tests:
        walk.check("text", "\n".join(tests.lines))

    assert walk.is_over()


def sign_in_and_out(walk: Walk, variables: dict[str, str], alice: Person) -> None:
    """Walk from the app of step 3 to the logout of step 7."""
    home, status, archives, logout, again = re.findall(r"Open `http://localhost:\d+(/[\w/]*)`", walk.page)
    walk.save("python")
    with running(walk.take("sh").strip(), walk.folder, "Uvicorn running", variables):
        assert home == "/"
        walk.check("json", alice.sign_in().text)
        walk.check("json", alice.visit(status).text)

    walk.save("python")
    with running(walk.take("sh").strip(), walk.folder, "Uvicorn running", variables) as app:
        walk.check("json", alice.visit(archives).text)
        while not any("token refreshed" in line for line in app.lines):
            alice.visit(home)
        walk.check("text", "\n".join(app.lines))
        alice.submit(alice.visit(logout))
        walk.check("text", app.wait_for_line("logged out"))
        assert alice.visit(again).json() == {"hello": "Alice Berg"}
