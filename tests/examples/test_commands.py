"""The commands at the top of each example, run as they stand there but for the port."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.examples.browser import NAVIGATION
from tests.examples.conftest import EXAMPLES, ROOT

SERVERS = {"flask", "gunicorn", "uvicorn"}
START_SECONDS = 30
STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Command:
    """A line that starts a server.

    Attributes:
        folder: Where it is run.
        line: As it stands in the docstring.
    """

    folder: Path
    line: str

    def words(self) -> list[str]:
        """Return what is run, from this environment."""
        name, *rest = [word for word in shlex.split(self.line) if "=" not in word]
        return [str(Path(sys.executable).with_name(name)), *rest]

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        """Return the variables, with those of the line itself."""
        assigned = dict(word.split("=", 1) for word in shlex.split(self.line) if "=" in word)
        return {**os.environ, "PYTHONPATH": str(ROOT), **variables, **assigned}


def commands(path: Path) -> list[Command]:
    """Return the commands in an example's docstring that start a server."""
    folder, found = ROOT, []
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    for line in (line.strip() for line in docstring.splitlines() if line.startswith("    ")):
        if line.startswith("cd "):
            folder /= line.removeprefix("cd ")
        elif SERVERS & set(line.split()) and not line.startswith("pip "):
            found.append(Command(folder, line))
    return found


COMMANDS = [command for path in sorted(EXAMPLES.glob("*.py")) for command in commands(path)]

for_every_command = pytest.mark.parametrize("command", COMMANDS, ids=[command.line for command in COMMANDS])


@contextmanager
def started(command: Command, variables: dict[str, str], log: Path) -> Iterator[str]:
    """Run a command on a port of the system's choice until the block ends, and return where it serves."""
    words = command.words()
    words += ["--bind", "127.0.0.1:0"] if words[0].endswith("gunicorn") else ["--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, cwd=command.folder, env=command.environment(variables), stdout=output, stderr=output
        )
    try:
        yield f"http://localhost:{port_of(process, log)}"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def port_of(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the server says where it listens."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8")
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", text):
            return found[1]
        assert process.poll() is None, text
        time.sleep(0.05)
    pytest.fail("the server did not start")


@for_every_command
def test_the_command_serves_the_example(command: Command, variables: dict[str, str], tmp_path: Path) -> None:
    """The public page answers, and the front page leads to FotoWeb."""
    with started(command, variables, tmp_path / "log") as origin, httpx.Client(timeout=START_SECONDS) as client:
        about = client.get(f"{origin}/about")
        front = client.get(f"{origin}/", headers=NAVIGATION)

    assert (about.status_code, front.status_code) == (200, 302)
    assert "Nobody needs to sign in" in about.text
    assert front.headers["location"].startswith(variables["FOTOWEB_URL"])


@for_every_command
def test_a_missing_variable_stops_the_command(command: Command, variables: dict[str, str]) -> None:
    """Without FOTOWEB_URL the server ends, and does not serve a broken app."""
    ended = subprocess.run(
        command.words(),
        cwd=command.folder,
        env=command.environment({**variables, "FOTOWEB_URL": "", "GUNICORN_CMD_ARGS": "--bind=127.0.0.1:0"}),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )

    assert ended.returncode != 0
    assert "FOTOWEB_URL" in ended.stderr


def test_every_example_has_a_command() -> None:
    """Nine commands in seven files: Django and the app without code have one for each middleware."""
    assert len(COMMANDS) == 9
    assert all(commands(path) for path in EXAMPLES.glob("*.py"))
