"""nginx in front of an app server: Debian's package, started for one test."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.providers.child import Child
from tests.servers.sites import wait_for
from tools.code_blocks import HOW_TO, blocks_of

__all__ = ["PROXY_DIRECTIVES", "find_nginx", "listens", "run_nginx"]

CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    large_client_header_buffers 4 16k;
    {http}
}}
"""
PROXY_DIRECTIVES = (
    blocks_of(HOW_TO / "behind-a-proxy.md", "nginx")[0].partition("proxy_pass http://app;")[2].partition("}")[0]
)
"""What stands beside ``proxy_pass`` in docs/how-to/behind-a-proxy.md."""


def find_nginx() -> str | None:
    """Return the path of nginx, or None where there is none."""
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")


@contextmanager
def run_nginx(folder: Path, http: str, is_ready: Callable[[], bool]) -> Iterator[None]:
    """Run nginx with files of its own.

    Args:
        folder: Where its files go.
        http: What stands in its ``http`` block.
        is_ready: Tells whether it serves.

    Raises:
        FileNotFoundError: There is no nginx.
    """
    program = find_nginx()
    if program is None:
        raise FileNotFoundError("no nginx here: install Debian's nginx")
    configuration = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""  # Else its worker could not write into the folder.
    configuration.write_text(CONFIGURATION.format(user=user, folder=folder, http=http), encoding="utf-8")
    child = Child([program, "-p", folder, "-c", configuration])
    try:
        wait_for(is_ready, "nginx")
        yield
    finally:
        child.stop()


def listens(port: int) -> bool:
    """Return whether somebody listens on a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
