"""Real servers under ``/sub``: uvicorn behind a proxy that takes the mount off, gunicorn with ``SCRIPT_NAME``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.attacks.attacked import APP, AttackedServer
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.servers.serving import GUNICORN_THREADS, UVICORN_HTTPTOOLS, Kind

__all__ = ["MOUNT", "mounted_server"]

MOUNT = "/sub"
UVICORN = ("-m", "uvicorn", "fotoweb_middleware.wrap:asgi", "--fd", "{fd}", "--http", "httptools")
MOUNTED = {
    UVICORN_HTTPTOOLS: Kind("uvicorn at /sub", "asgi", (*UVICORN, "--root-path", MOUNT)),
    GUNICORN_THREADS: Kind("gunicorn at /sub", "wsgi", GUNICORN_THREADS.arguments),
}


class MountedServer(AttackedServer):
    """A server under ``/sub``."""

    def on_the_wire(self, target: str) -> str:
        """Take the mount off for uvicorn, which puts it before each path itself."""
        return target.removeprefix(MOUNT) if self.kind.adapter == "asgi" else target


@contextlib.contextmanager
def mounted_server(
    fotoweb: ScriptedFotoWeb, folders: pytest.TempPathFactory
) -> Iterator[Callable[[Kind], AttackedServer]]:
    """Yield a function that starts the mounted twin of a server, once."""
    running: dict[Kind, AttackedServer] = {}
    with contextlib.ExitStack() as stack:

        def started(kind: Kind) -> AttackedServer:
            if kind not in running:
                server = MountedServer(MOUNTED[kind], fotoweb.url, folders.mktemp("mounted"))
                changes = {"FOTOWEB_REDIRECT_URI": f"{APP}{MOUNT}/oauth2/callback"}
                changes |= {"SCRIPT_NAME": MOUNT} if kind.adapter == "wsgi" else {}
                stack.enter_context(server).begin(changes)
                running[kind] = server
            return running[kind]

        yield started
