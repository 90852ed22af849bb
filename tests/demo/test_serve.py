"""``fotoweb-middleware demo`` as people start and stop it: a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from fotoweb_middleware.demo.ports import listen

MOST_SECONDS = 12.0  # A second of grace, and whatever else the machine does; without it the browser decides.
END_SECONDS = 10.0
COMMAND = "from fotoweb_middleware.cli import main; main()"


@contextmanager
def started(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start the demo; end it whatever happens."""
    command = [sys.executable, "-c", COMMAND, "demo", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **(environ or {})}) as demo:
        try:
            yield demo
        finally:
            demo.terminate()
            try:
                demo.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                demo.kill()


def words_until_ready(demo: subprocess.Popen[str]) -> str:
    """Return what it writes before it waits."""
    lines = []
    assert demo.stdout is not None
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl+C" in line:
            break
    return "".join(lines)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", [[], ["--wsgi"]], ids=["asgi", "wsgi"])
def test_it_stops_at_once(kind: list[str], number: signal.Signals) -> None:
    """Ctrl+C and SIGTERM end it without a word, also while a browser holds a connection that it doesn't use."""
    port = free_port()
    with started("--port", str(port), *kind) as demo:
        words = words_until_ready(demo)
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.sendall(b"GET / HT")
            begun = time.monotonic()
            demo.send_signal(number)
            out, err = demo.communicate(timeout=20)
            lasted_seconds = time.monotonic() - begun

    assert (demo.returncode, out.strip(), err) == (0, "", "")
    assert lasted_seconds < MOST_SECONDS
    assert f"http://localhost:{port}\n" in words


def test_it_says_where_to_go() -> None:
    """One address, names and passwords, where FotoWeb is, and how to stop."""
    with started("--port", str(free_port())) as demo:
        words = words_until_ready(demo)

    assert len(re.findall(r"http://localhost:\d+", words)) == 1
    assert "alice or bob, password secret" in words
    assert re.search(r"simulator at http://127\.0\.0\.1:\d+; its tokens last 60 seconds", words)


def test_it_says_that_a_port_is_taken() -> None:
    """In one plain line."""
    with listen("127.0.0.1", 0) as somebody:
        port = somebody.getsockname()[1]
        with started("--port", str(port)) as demo:
            words = words_until_ready(demo)

    assert f"Port {port} is taken, so the demo is on port " in words


def test_half_a_configuration() -> None:
    """It says which variables are missing, exits with 1, and shows no traceback."""
    with started("--port", str(free_port()), environ={"FOTOWEB_URL": "https://tenant.example"}) as demo:
        out, err = demo.communicate(timeout=20)

    assert (demo.returncode, out) == (1, "")
    assert "FOTOWEB_CLIENT_ID" in err
    assert "Traceback" not in err


def test_your_own_fotoweb_is_told_what_to_register() -> None:
    """The callback URL, and no word of a simulator."""
    port = free_port()
    environ = {
        "FOTOWEB_URL": "https://tenant.example",
        "FOTOWEB_CLIENT_ID": "an-id",
        "FOTOWEB_CLIENT_SECRET": "planted-client-secret",
        "FOTOWEB_SECRET_KEY": "kJ8s-2mQzX0pLr7VtY5wBn3cHd6fGg9aEeRiUoTqWxM",
    }
    with started("--port", str(port), environ=environ) as demo:
        words = words_until_ready(demo)

    assert f"http://localhost:{port}/oauth2/callback must be registered" in words
    assert "simulator" not in words
    assert "planted" not in words
