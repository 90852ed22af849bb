"""A cache in front of the app: what the app answers to somebody who is signed in is served to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.providers.nginx import find_nginx, run_nginx
from tests.servers.serving import GUNICORN_THREADS, UVICORN_HTTPTOOLS, Kind
from tests.servers.sites import fake_site
from tests.servers.visitor import Visitor

HTTP = """
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
"""


@contextmanager
def nginx(folder: Path, port: int) -> Iterator[httpx.Client]:
    """Run nginx before an app server; yield a client for it. It listens on a file, so no port is raced for."""
    if find_nginx() is None:
        pytest.skip("no nginx here: install Debian's nginx")
    with (
        run_nginx(folder, HTTP.format(folder=folder, port=port), (folder / "socket").exists),
        httpx.Client(transport=httpx.HTTPTransport(uds=str(folder / "socket"))) as client,
    ):
        yield client


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
