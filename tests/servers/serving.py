"""Real app servers in processes of their own, wrapped by nothing but ``FOTOWEB_*`` variables and ``wrap``."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.providers.ports import free_port

__all__ = [
    "ASGI_SERVERS",
    "GUNICORN_SYNC",
    "GUNICORN_THREADS",
    "HYPERCORN",
    "ROOT",
    "RUNNING",
    "SECRET_KEY",
    "UVICORN_H11",
    "UVICORN_HTTPTOOLS",
    "WAITRESS",
    "WSGIREF",
    "WSGI_SERVERS",
    "AppServer",
    "Kind",
    "clean_environment",
]

ROOT = Path(__file__).parents[2]
START_SECONDS = 40.0
STOP_SECONDS = 5.0
BACKLOG = 1024
"""More connections than any test opens at once: none of them is to wait until the server accepts."""

SECRET_KEY = secrets.token_urlsafe(32)
GUNICORN = (
    *("-m", "gunicorn", "fotoweb_middleware.wrap:wsgi", "--bind", "fd://{fd}"),
    *("--graceful-timeout", "1", "--no-control-socket"),  # The socket would lie in the home directory, one for all.
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A server, and how it is started; ``{fd}`` stands for the listening socket, ``{port}`` for a free port.

    Attributes:
        name: What tests call it.
        adapter: "asgi" or "wsgi".
        arguments: Of the Python that runs it.
    """

    name: str
    adapter: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        """Show the name; pytest does so too."""
        return self.name


def launched(name: str, adapter: str) -> Kind:
    """Return a server that ``launch.py`` starts."""
    return Kind(name, adapter, ("-m", "tests.servers.launch", name, "{fd}"))


UVICORN_H11 = launched("uvicorn-h11", "asgi")
UVICORN_HTTPTOOLS = launched("uvicorn-httptools", "asgi")
HYPERCORN = launched("hypercorn", "asgi")
GUNICORN_SYNC = Kind("gunicorn-sync", "wsgi", GUNICORN)
GUNICORN_THREADS = Kind("gunicorn-gthread", "wsgi", (*GUNICORN, "--threads", "12"))
WAITRESS = launched("waitress", "wsgi")
WSGIREF = launched("wsgiref", "wsgi")

ASGI_SERVERS = (UVICORN_H11, UVICORN_HTTPTOOLS, HYPERCORN)
WSGI_SERVERS = (GUNICORN_SYNC, GUNICORN_THREADS, WAITRESS, WSGIREF)

RUNNING: list[AppServer] = []
"""The servers that run now; a failed test shows what they printed."""


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return our own environment with these variables, and with no other ``FOTOWEB_*``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOTOWEB_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", **variables}


class AppServer:
    """One app server; a context manager. Its port is taken when it is made, and served after ``start``.

    One that can't be given a socket gets a port that was free when it was looked for.

    Args:
        kind: Which server.
        host: What browsers call it. Not 127.0.0.1, where FotoWeb is: to a browser these are two sites.
        tls: Trusts its certificate, where it speaks TLS.
    """

    def __init__(self, kind: Kind, host: str = "localhost", tls: ssl.SSLContext | None = None) -> None:
        self.kind = kind
        self.tls = tls
        self._host = host
        self._takes_socket = any("{fd}" in argument for argument in kind.arguments)
        port = 0 if self._takes_socket else free_port()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its origin."""
        return f"{'https' if self.tls else 'http'}://{self._host}:{self.port}"

    @property
    def callback_url(self) -> str:
        """The redirect URI that it derives from its requests."""
        return f"{self.url}/oauth2/callback"

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return os.pread(self._output.fileno(), 1_000_000, 0).decode("utf-8", "replace")

    def __enter__(self) -> Self:
        """Note that it is there."""
        RUNNING.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; a failure in between shows what it printed."""
        self.stop()
        if error is not None:
            error.add_note(f"{self.kind} printed:\n{self.output[-6000:]}")
        RUNNING.remove(self)
        self._listener.close()
        self._output.close()

    def start(self, variables: Mapping[str, str]) -> None:
        """Start it with these ``FOTOWEB_*`` variables, and wait until it answers.

        Raises:
            RuntimeError: It does not answer within 40 seconds, or ended; what it printed is shown with it.
        """
        descriptor = self._listener.fileno()
        arguments = [argument.format(fd=descriptor, port=self.port) for argument in self.kind.arguments]
        if not self._takes_socket:
            self._listener.close()
        app = {"FOTOWEB_APP": f"tests.servers.echo_app:{self.kind.adapter}"}
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=clean_environment({**app, **variables}),
            pass_fds=[descriptor] if self._takes_socket else [],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # From here on it is the server's alone: where that dies, connections are refused.
        self._listener.close()
        try:
            if not self._takes_socket:
                self._wait_for_port(self._process)
            # The socket listens already, so this waits in its queue: nobody polls.
            url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/oauth2/no-such-page"
            httpx.get(url, timeout=START_SECONDS, trust_env=False, verify=self.tls or True)
        except (httpx.HTTPError, TimeoutError) as failure:
            self.stop()
            raise RuntimeError(f"{self.kind} did not start ({failure!r})") from failure

    def _wait_for_port(self, process: subprocess.Popen[bytes]) -> None:
        ends_at = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < ends_at:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.02)
        raise TimeoutError(f"nobody listens on port {self.port}")

    def stop(self, *, patience_seconds: float = STOP_SECONDS) -> None:
        """End it with SIGTERM, and with SIGKILL where it does not go within 5 seconds, or so many."""
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # gunicorn's workers too
            process.wait(STOP_SECONDS)
        self._process = None
