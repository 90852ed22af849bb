"""A cache in front of the app: what the app answers to somebody who is signed in is served to nobody else."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.servers.serving import GUNICORN_THREADS, UVICORN_HTTPTOOLS, Kind
from tests.servers.sites import fake_site, wait_for
from tests.servers.visitor import Visitor

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
    proxy_cache_path {folder}/cache keys_zone=pages:1m;
    server {{
        listen unix:{folder}/socket;
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_set_header Host $http_host;
            proxy_cache pages;
            proxy_cache_valid any 10m;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, port: int) -> Iterator[httpx.Client]:
    """Run nginx before an app server; yield a client for it. It listens on a file, so no port is raced for."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip("no nginx here: install Debian's nginx")
    configuration = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""  # Else its worker could not write into the folder.
    configuration.write_text(CONFIGURATION.format(user=user, folder=folder, port=port), encoding="utf-8")
    with subprocess.Popen([program, "-p", str(folder), "-c", str(configuration)], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for((folder / "socket").exists, "nginx")
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(folder / "socket"))) as client:
                yield client
        finally:
            process.terminate()


@pytest.mark.parametrize("kind", [UVICORN_HTTPTOOLS, GUNICORN_THREADS], ids=str)
def test_page_of_somebody_signed_in(kind: Kind, visitor: Visitor, tmp_path: Path) -> None:
    """Neither an anonymous user nor another one gets it, though nginx was told to keep everything for ten minutes."""
    with fake_site(kind) as site, nginx(tmp_path, site.server.port) as client:
        visitor.visit(site.url)
        headers = {"Host": f"localhost:{site.server.port}", "Accept": "application/json"}
        cookie = visitor.cookie_header(site.url)

        signed_in = client.get(f"{site.url}/page", headers={**headers, "Cookie": cookie})
        anonymous = client.get(f"{site.url}/page", headers=headers)
        again = client.get(f"{site.url}/page", headers={**headers, "Cookie": cookie})

    assert (signed_in.status_code, anonymous.status_code, again.status_code) == (200, 401, 200)
    assert "HIT" not in {signed_in.headers["x-cache"], anonymous.headers["x-cache"], again.headers["x-cache"]}
