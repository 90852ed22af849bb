"""``fotoweb-middleware demo`` as people start and stop it: a process of its own."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fotoweb_middleware.demo.ports import listen

END_SECONDS = 25.0
COMMAND = "from fotoweb_middleware.cli import main; main()"


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the demo; end it whatever happens."""
    command = [sys.executable, "-c", COMMAND, "demo", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as demo:
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", [[], ["--wsgi"]], ids=["asgi", "wsgi"])
def test_it_stops_at_once(kind: list[str], number: signal.Signals) -> None:
    """Ctrl+C and SIGTERM end it without a word, also while a browser holds a connection that it doesn't use."""
    with started(*kind) as demo:
        port = int(re.findall(r"http://localhost:(\d+)\n", words_until_ready(demo))[0])
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.sendall(b"GET / HT")
            demo.send_signal(number)
            out, err = demo.communicate(timeout=END_SECONDS)  # With the connection open it would never end by itself.

    assert (demo.returncode, out.strip(), err) == (0, "", "")


def test_it_says_where_to_go() -> None:
    """One address, names and passwords, where FotoWeb is, and how to stop."""
    with started() as demo:
        words = words_until_ready(demo)

    assert len(re.findall(r"http://localhost:\d+", words)) == 1
    assert "alice or bob, password secret" in words
    assert re.search(r"http://127\.0\.0\.1:\d+ \(a simulator whose tokens last 60 seconds\)", words)


def test_it_says_that_a_port_is_taken() -> None:
    """In one plain line."""
    with listen("127.0.0.1", 0) as somebody:
        port = somebody.getsockname()[1]
        with started("--port", str(port)) as demo:
            words = words_until_ready(demo)

    assert f"Port {port} is taken, so the demo is on port " in words
