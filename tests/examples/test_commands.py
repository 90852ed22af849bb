"""The commands at the top of each example, run as they stand there but for the port."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.examples.browser import NAVIGATION
from tests.examples.conftest import EXAMPLES, ROOT
from tests.providers.child import RUN_SECONDS, run_server

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.

SERVERS = {"flask", "gunicorn", "uvicorn"}
ANSWER_SECONDS = 30


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
        """Return what is run."""
        return [word for word in shlex.split(self.line) if "=" not in word]

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

ONE_FOR_EACH_SERVER = [
    next(command for command in COMMANDS if server in command.words() and ("FOTOWEB_APP" in command.line) is wrapped)
    for server, wrapped in (
        ("uvicorn", False),
        ("uvicorn", True),
        ("gunicorn", False),
        ("gunicorn", True),
        ("flask", False),
    )
]
"""What a server shows of an error at start-up is its own affair, whatever framework it serves."""


@for_every_command
def test_the_command_serves_the_example(command: Command, variables: dict[str, str]) -> None:
    """The public page answers, and the front page leads to FotoWeb."""
    words = command.words()
    words += ["--bind", "127.0.0.1:0"] if words[0] == "gunicorn" else ["--port", "0"]
    with (
        run_server(words, environment=command.environment(variables), folder=command.folder) as url,
        httpx.Client(base_url=url, timeout=ANSWER_SECONDS) as client,
    ):
        about = client.get("/about")
        front = client.get("/", headers=NAVIGATION)

    assert (about.status_code, front.status_code) == (200, 302)
    assert "Nobody needs to sign in" in about.text
    assert front.headers["location"].startswith(variables["FOTOWEB_URL"])


@pytest.mark.parametrize("command", ONE_FOR_EACH_SERVER, ids=lambda command: command.line)
def test_a_missing_variable_stops_the_command(command: Command, variables: dict[str, str]) -> None:
    """Without FOTOWEB_URL the server ends, and does not serve a broken app."""
    name, *rest = command.words()
    ended = subprocess.run(
        [str(Path(sys.executable).with_name(name)), *rest],
        cwd=command.folder,
        env=command.environment({**variables, "FOTOWEB_URL": "", "GUNICORN_CMD_ARGS": "--bind=127.0.0.1:0"}),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )

    assert ended.returncode != 0
    assert "FOTOWEB_URL" in ended.stderr


def test_every_example_has_a_command() -> None:
    """Nine commands in seven files: Django and the app without code have one for each middleware."""
    assert len(COMMANDS) == 9
    assert all(commands(path) for path in EXAMPLES.glob("*.py"))
