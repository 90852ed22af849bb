"""The Django project of these tests under a real server, and people who use it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from fotoweb_middleware.testing import FakeFotoWeb
from tests.providers.child import RUN_SECONDS, run_server

ROOT = Path(__file__).parents[2]
ORIGIN = "http://localhost:8000"
"""Where the project is, as its Host header says: the callback's address is registered with it."""
ANSWER_SECONDS = 30

Interface = Literal["asgi", "wsgi"]

COMMANDS: dict[Interface, list[str]] = {
    "asgi": ["uvicorn", "tests.integrations.django_apps:asgi", "--port", "0"],
    "wsgi": ["gunicorn", "tests.integrations.django_apps:wsgi", "--bind", "127.0.0.1:0"],
}


@dataclass(frozen=True, slots=True)
class Site:
    """A running project.

    Attributes:
        url: Where it listens.
        fotoweb: Where its people sign in.
        database: Its SQLite file.
    """

    url: str
    fotoweb: FakeFotoWeb
    database: Path

    def execute(self, statement: str) -> list[Any]:
        """Run a statement on the database, and return its rows."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(statement).fetchall()


class Person:
    """Somebody with a browser, which follows no redirect."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.client = httpx.Client(base_url=site.url, headers={"Host": "localhost:8000"}, timeout=ANSWER_SECONDS)

    def go(self, path: str, **headers: str) -> httpx.Response:
        """Go to a page, as by a link of the same site."""
        navigation = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        return self.client.get(path, headers={**navigation, "Sec-Fetch-Site": "same-origin", **headers})

    def submit(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the same site."""
        return self.client.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN})

    def sign_in(self, name: str) -> None:
        """Sign in to FotoWeb, and come back."""
        to_fotoweb = self.go("/oauth2/login?next=/").headers["Location"]
        back = urlsplit(self._site.fotoweb.approve(to_fotoweb, name))
        answer = self.go(f"{back.path}?{back.query}")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")

    def sign_out(self) -> None:
        """Sign out of FotoWeb; Django's own cookie stays in the browser."""
        self.submit("/oauth2/logout")
        assert not [name for name in self.client.cookies if name.startswith("fotoweb")]

    def user_at(self, path: str) -> str:
        """Return who a page says one is; "" for nobody."""
        answer = self.go(path)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["user"])


def environment(settings: Mapping[str, Any] | None, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of the project."""
    own = {
        "DJANGO_SETTINGS_MODULE": "tests.integrations.django_settings",
        "PROJECT_SETTINGS": json.dumps(settings or {}),
    }
    return {**os.environ, **own, **variables}


def run_python(
    *arguments: str, settings: Mapping[str, Any] | None = None, variables: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, str]:
    """Run Python with the project's settings; return its exit code and all that it wrote."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(settings, variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def variables_of(fotoweb: FakeFotoWeb, url: str) -> dict[str, str]:
    """Return the variables with which an app uses a simulator."""
    return {
        "FOTOWEB_URL": url,
        "FOTOWEB_CLIENT_ID": fotoweb.client.client_id,
        "FOTOWEB_CLIENT_SECRET": fotoweb.client.client_secret,
        "FOTOWEB_SECRET_KEY": "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA",
        "FOTOWEB_CACHE": "memory://",
    }


@contextmanager
def serve(interface: Interface, folder: Path, settings: Mapping[str, Any] | None = None) -> Iterator[Site]:
    """Serve the project, with a new database in a folder and a simulator of its own, until the block ends."""
    fotoweb, database = FakeFotoWeb(), folder / "db.sqlite3"
    variables = {"PROJECT_DATABASE": str(database)}
    code, output = run_python("-m", "django", "migrate", settings=settings, variables=variables)
    assert code == 0, output
    with fotoweb.serve() as url:
        variables |= variables_of(fotoweb, url)
        with run_server(COMMANDS[interface], environment=environment(settings, variables), folder=ROOT) as listening:
            yield Site(listening, fotoweb, database)
