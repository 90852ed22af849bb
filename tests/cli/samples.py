"""What command line tests share: settings that fit the simulator, and a way to run a command."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

from fotoweb_middleware.cli import app
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.testing import FakeFotoWeb

KEY = "kJ8s-2mQzX0pLr7VtY5wBn3cHd6fGg9aEeRiUoTqWxM"
CLIENT_SECRET = "pZ3xLwC9vB-planted-0nT7mQe1rUy6"
CALLBACK = "http://localhost:8000/oauth2/callback"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a command."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All that it wrote."""
        return self.stdout + self.stderr


def run(*arguments: str) -> Done:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            exit_code = app.run(arguments)
        except SystemExit as ended:  # argparse: --help, and wrong options.
            exit_code = int(ended.code or 0)
    return Done(exit_code, out.getvalue(), err.getvalue())


def settings_for(fake: FakeFotoWeb, **changes: Any) -> Settings:
    """Return settings with the credentials of the simulator's first application."""
    client = fake.clients[0]
    given = {
        "url": "http://localhost:9999",
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "secret_key": KEY,
        "redirect_uri": CALLBACK,
        "cache": "memory://",
    }
    return Settings(**(given | changes))


def settings(**changes: Any) -> Settings:
    """Return settings that no server knows."""
    given = {
        "url": "https://tenant.example",
        "client_id": "an-id",
        "client_secret": CLIENT_SECRET,
        "secret_key": KEY,
        "redirect_uri": "https://app.example/oauth2/callback",
    }
    return Settings(**(given | changes))
