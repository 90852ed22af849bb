"""A Redis that answers everything with an error, whose words nobody should see."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.attacks.attacked import AttackedServer
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.servers.serving import Kind

__all__ = ["STORE_PASSWORD", "STORE_WORDS", "server_with_broken_store"]

STORE_WORDS = "<script>x</script> store_secret=S3CR3T"
STORE_PASSWORD = "St0rePassw0rd"
PATIENCE_SECONDS = 10.0


@contextlib.contextmanager
def broken_store() -> Iterator[int]:
    """Run one, and yield its port."""
    threads: list[threading.Thread] = []

    def begin(target: Callable[..., None], *arguments: socket.socket) -> None:
        threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        threads[-1].start()

    def accept_all(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                begin(refuse_all, listener.accept()[0])

    def refuse_all(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE_SECONDS)
            while connection.recv(65_536):
                connection.sendall(f"-ERR {STORE_WORDS}\r\n".encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        begin(accept_all, listener)
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(PATIENCE_SECONDS)


@contextlib.contextmanager
def server_with_broken_store(
    mode: str, fotoweb: ScriptedFotoWeb, folders: pytest.TempPathFactory
) -> Iterator[Callable[[Kind], AttackedServer]]:
    """Yield a function that starts a server whose shared store is such a Redis, once.

    Args:
        mode: What ``FOTOWEB_COOKIE_MODE`` says.
        fotoweb: Where people log in.
        folders: Where the servers' homes may be.
    """
    running: dict[Kind, AttackedServer] = {}
    with broken_store() as port, contextlib.ExitStack() as stack:
        changes = {"FOTOWEB_CACHE": f"redis://:{STORE_PASSWORD}@127.0.0.1:{port}/0", "FOTOWEB_COOKIE_MODE": mode}

        def started(kind: Kind) -> AttackedServer:
            if kind not in running:
                server = AttackedServer(kind, fotoweb.url, folders.mktemp("storeless"))
                stack.enter_context(server).begin(changes)
                running[kind] = server
            return running[kind]

        yield started
