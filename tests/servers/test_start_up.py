"""Starting up with the servers' own commands: an unchanged app is served, and a wrong variable ends it at once."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.providers.child import Child
from tests.servers.serving import ROOT, SECRET_KEY, clean_environment
from tests.servers.sites import environment

CLIENT_SECRET = "planted-client-secret-0123456789"
COMMANDS = {
    "asgi": ("-m", "uvicorn", "fotoweb_middleware.wrap:asgi", "--port", "0"),
    "wsgi": ("-m", "gunicorn", "fotoweb_middleware.wrap:wsgi", "--bind", "127.0.0.1:0", "--no-control-socket"),
}
ADDRESS = re.compile(r"http://127\.0\.0\.1:[0-9]+")
START_SECONDS = 15
SHORT_KEY = "short-planted-key"


def variables(adapter: str, **changes: str | None) -> dict[str, str]:
    """Return a whole set of variables with changes; None leaves one out."""
    given = environment("https://fotoweb.test", "a-client", CLIENT_SECRET, {"app": f"tests.servers.echo_app:{adapter}"})
    changed = given | {f"FOTOWEB_{name.upper()}": value for name, value in changes.items()}
    return {name: value for name, value in changed.items() if value is not None}


@contextmanager
def served(adapter: str) -> Iterator[str]:
    """Serve the echo app with the server's own command, and return its address."""
    child = Child([sys.executable, *COMMANDS[adapter]], environment=variables(adapter), folder=ROOT)
    try:
        ready = child.wait_for_line(
            "running on" if adapter == "asgi" else "Listening at", timeout_seconds=START_SECONDS
        )
        address = ADDRESS.search(ready)
        assert address is not None, ready
        yield address[0]
    finally:
        child.stop()


@pytest.mark.parametrize("adapter", COMMANDS)
def test_an_unchanged_app_is_served_without_code(adapter: str) -> None:
    """``FOTOWEB_APP=… uvicorn fotoweb_middleware.wrap:asgi`` and gunicorn's twin send a browser to FotoWeb."""
    with served(adapter) as address:
        answer = httpx.get(f"{address}/pictures", trust_env=False)

    assert answer.headers["location"].startswith("https://fotoweb.test/fotoweb/oauth2/authorize?")


WRONG: dict[str, dict[str, str | None]] = {
    "FOTOWEB_PKCE": {"pkce": "maybe"},
    "FOTOWEB_URL": {"url": None},
    "FOTOWEB_SECRET_KEY": {"secret_key": SHORT_KEY},
    "FOTOWEB_APP": {"app": None},
}


TIMES_PRINTED = {"asgi": 1, "wsgi": 2}
"""gunicorn prints an app's error with its traceback, and once more by itself."""


@functools.cache
def failed_start(adapter: str, name: str) -> str:
    """Start a server that must end by itself within seconds, with an error; return what it printed."""
    ended = subprocess.run(
        [sys.executable, *COMMANDS[adapter]],
        cwd=ROOT,
        env=clean_environment(variables(adapter, **WRONG[name])),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert ended.returncode != 0, ended.stdout
    return ended.stdout


@pytest.mark.parametrize("adapter", COMMANDS)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variable_ends_the_start(adapter: str, name: str) -> None:
    """The server ends with an error within seconds, and with one message that names the variable (R-CF1)."""
    assert failed_start(adapter, name).count(f"{name} ") == TIMES_PRINTED[adapter]


@pytest.mark.parametrize("adapter", COMMANDS)
@pytest.mark.parametrize("name", WRONG)
def test_no_secret_is_printed(adapter: str, name: str) -> None:
    """Neither the client's secret nor a key is in what the server prints."""
    printed = failed_start(adapter, name)

    assert [secret for secret in (CLIENT_SECRET, SECRET_KEY, SHORT_KEY) if secret in printed] == []
