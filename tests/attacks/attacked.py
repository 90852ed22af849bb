"""A real app server under attack: what it printed, which calls reached the app, and how much memory it took."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.attacks.scripted_fotoweb import CLIENT_ID, CLIENT_SECRET
from tests.attacks.witness_app import WITNESS
from tests.servers.serving import (
    GUNICORN_SYNC,
    GUNICORN_THREADS,
    HYPERCORN,
    SECRET_KEY,
    UVICORN_H11,
    UVICORN_HTTPTOOLS,
    WAITRESS,
    AppServer,
    Kind,
)

__all__ = [
    "APP",
    "APP_HOST",
    "DEADLINE_SECONDS",
    "EVERY_SERVER",
    "IN_REFERENCE_MODE",
    "ONE_OF_EACH_KIND",
    "PUBLIC_PATHS",
    "SOME_SERVERS",
    "AttackedServer",
    "Call",
]

APP_HOST = "app.test"
APP = f"https://{APP_HOST}"
"""The public origin, as behind a proxy that speaks TLS: cookies are Secure and called ``__Host-…``."""

PUBLIC_PATHS = "/public,/public/*"
"""What needs no login here. A case that asks for such a path says so in its ``open_paths``."""

DEADLINE_SECONDS = 5
"""Short for those who wait for it; a machine that stands still for a moment ends nobody else's login."""
EVERY_SERVER = (UVICORN_H11, UVICORN_HTTPTOOLS, HYPERCORN, GUNICORN_SYNC, GUNICORN_THREADS, WAITRESS)
ONE_OF_EACH_KIND = (UVICORN_HTTPTOOLS, GUNICORN_THREADS)
"""For what concerns the token endpoint alone, and not how a server reads requests."""

IN_MAKE_STRESS = os.environ.get("TEST_EVERY_SERVER") == "1"

SOME_SERVERS = EVERY_SERVER if IN_MAKE_STRESS else ONE_OF_EACH_KIND
"""For what hardly depends on how a server reads requests; ``make stress`` tries it on every server."""

BUSY_FACTOR = 1 if IN_MAKE_STRESS else 20
"""How much longer an answer may take by the wall clock where the machine may be busy: CI is never red by chance."""

IN_REFERENCE_MODE = (UVICORN_HTTPTOOLS, GUNICORN_SYNC, WAITRESS)
"""These keep tokens in the store alone, the others in sealed cookies: both modes behind each middleware."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached the app: its path, the session's token or None, the names of its headers."""

    path: str
    token: str | None
    headers: frozenset[str]


class AttackedServer(AppServer):
    """An app server with the witness app behind the middleware.

    Args:
        kind: Which server.
        fotoweb_url: The FotoWeb it belongs to.
        folder: An empty folder: the server's home, and where the witness writes.

    Attributes:
        variables: The environment that it was started with, beside our own.
    """

    def __init__(self, kind: Kind, fotoweb_url: str, folder: Path) -> None:
        super().__init__(kind)
        self._fotoweb_url = fotoweb_url
        self._folder = folder
        self._calls = folder / "calls.jsonl"
        self._calls.touch()
        self.variables: dict[str, str] = {}

    def begin(self, changes: Mapping[str, str] | None = None) -> None:
        """Start it; its home has a ``.netrc`` that would give every call to FotoWeb a password (R-TE2).

        Args:
            changes: Variables that differ from the usual ones.
        """
        netrc = self._folder / ".netrc"
        netrc.write_text("machine 127.0.0.1 login u password p\ndefault login u password p\n")
        netrc.chmod(0o600)
        variables = {
            "FOTOWEB_URL": self._fotoweb_url,
            "FOTOWEB_CLIENT_ID": CLIENT_ID,
            "FOTOWEB_CLIENT_SECRET": CLIENT_SECRET,
            "FOTOWEB_SECRET_KEY": SECRET_KEY,
            "FOTOWEB_REDIRECT_URI": f"{APP}/oauth2/callback",
            "FOTOWEB_HTTP_TIMEOUT": str(DEADLINE_SECONDS),
            "FOTOWEB_FETCH_USER": "false",  # Tests here count what FotoWeb is asked.
            "FOTOWEB_CACHE": "memory://",
            "FOTOWEB_COOKIE_MODE": "reference" if self.kind in IN_REFERENCE_MODE else "sealed",
            "FOTOWEB_PUBLIC_PATHS": PUBLIC_PATHS,
            "FOTOWEB_APP": f"tests.attacks.witness_app:{self.kind.adapter}",
        }
        home = {WITNESS: str(self._calls), "HOME": str(self._folder), "NETRC": str(netrc)}
        self.variables = {**variables, **home, **(changes or {})}
        self.start(self.variables)

    def on_the_wire(self, target: str) -> str:
        """Return what reaches this server where a browser asks for ``target``; proxies may take something off."""
        return target

    # ------------------------------------------------------------------------------------------------- what it did

    @property
    def printed_bytes(self) -> int:
        """How much it has printed so far."""
        return os.fstat(self._output.fileno()).st_size

    def printed_since(self, offset: int) -> str:
        """Return what it has printed after so many bytes."""
        return os.pread(self._output.fileno(), self.printed_bytes - offset, offset).decode("utf-8", "replace")

    @property
    def called_bytes(self) -> int:
        """How much the witness has written so far."""
        return self._calls.stat().st_size

    def calls_since(self, offset: int) -> list[Call]:
        """Return the calls that reached the app after so many bytes of the witness."""
        lines = self._calls.read_bytes()[offset:].splitlines()
        told = [json.loads(line) for line in lines]
        return [Call(call["path"], call["token"], frozenset(call["headers"])) for call in told]

    # ---------------------------------------------------------------------------------------------- what it costs

    def forget_peak(self) -> int:
        """Let the peak of memory begin again, and return the memory of now in bytes."""
        for process in self._processes():
            (process / "clear_refs").write_text("5")  # proc(5): resets VmHWM
        return self.peak_bytes

    @property
    def peak_bytes(self) -> int:
        """The most memory that each of its processes ever had, added up."""
        return sum(peak_of(process) for process in self._processes())

    def _processes(self) -> list[Path]:
        """Return the server's processes below ``/proc``: those of its process group."""
        assert self._process is not None
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                group = int((folder / "stat").read_text().rpartition(")")[2].split()[2])
            except (FileNotFoundError, ProcessLookupError):
                continue  # It ended just now.
            if group == self._process.pid:
                found.append(folder)
        return found


def peak_of(process: Path) -> int:
    """Return the most memory that a process had, in bytes."""
    line = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
