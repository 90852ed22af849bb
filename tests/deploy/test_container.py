"""The recipes for containers, as docs/how-to/deploy-with-docker.md and deploy-on-kubernetes.md show them.

There is neither Docker nor Kubernetes: the pages' steps are done without them. Only hosts and ports are replaced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.deploy.container import Container, why_no_container
from tests.deploy.recipes import Recipe, of_compose, of_kubernetes
from tests.providers.certificate import make_certificate, trusting
from tests.providers.nginx import find_nginx, listens, run_nginx
from tests.providers.ports import free_port
from tests.providers.redis_server import RedisServer
from tests.servers.visitor import Visitor
from tools.code_blocks import HOW_TO, blocks_of

pytestmark = pytest.mark.redis

KEY = "p2mXv8Kq4TzR1yLs7NwBc9JdFh3Ga6Ue"
READY = {"uvicorn": "Uvicorn running on", "gunicorn": "Booting worker"}


def replaced(text: str, replacements: Mapping[str, str]) -> str:
    """Return a text with the hosts and ports of the pages replaced by ours."""
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text


def container(recipe: Recipe, root: Path, port: int, replacements: Mapping[str, str]) -> Container:
    """Return the container of a recipe, on a port of its own: all share this machine's network."""
    environment = {name: replaced(value, replacements) for name, value in recipe.environment.items()}
    command = [word.replace("8000", str(port)) for word in recipe.command]
    return Container(root, recipe.limits, environment, command, READY[command[0]])


@contextlib.contextmanager
def nginx(folder: Path, port: int, app_ports: tuple[int, int]) -> Iterator[Visitor]:
    """Run nginx as behind-a-proxy.md has it, before two processes; yield a browser that trusts its certificate."""
    make_certificate(folder / "certificate.pem")
    (block,) = blocks_of(HOW_TO / "behind-a-proxy.md", "nginx")
    servers = "\n".join(f"    server 127.0.0.1:{each};" for each in app_ports)
    ours = {
        "    server 127.0.0.1:8000;": servers,
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80;": f"listen unix:{folder}/http;",
        "app.example;": "localhost;",
        "/etc/ssl/app.example.pem": f"{folder}/certificate.pem",
        "/etc/ssl/private/app.example.key": f"{folder}/certificate.pem",
    }
    with (
        run_nginx(folder, replaced(block, ours), lambda: listens(port)),
        Visitor(tls=trusting(folder / "certificate.pem")) as visitor,
    ):
        yield visitor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the project."""
    reason = why_no_container() or ("no nginx here: install Debian's nginx" if find_nginx() is None else None)
    if reason is not None:
        pytest.skip(reason)
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.mark.parametrize("name", ["compose", "compose, gunicorn", "kubernetes"])
def test_sign_in(name: str, folder: Path, tmp_path: Path, redis_server: RedisServer) -> None:
    """Two containers behind nginx share a session and its end; they warn of nothing and write nothing."""
    port, app_ports = free_port(), (free_port(), free_port())
    url = f"https://localhost:{port}"
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(f"{url}/oauth2/callback",))])
    with fake.serve() as fotoweb_url, contextlib.ExitStack() as stack:
        if name == "kubernetes":
            typed = {"client_secret": fake.client.client_secret, "secret_key": KEY, "address": redis_server.url}
            recipe = of_kubernetes(folder, typed)
        else:
            recipe = of_compose(folder, fake.client.client_secret, wsgi="gunicorn" in name)
        ours = {
            "https://tenant.example": fotoweb_url,
            "my-client-id": fake.client.client_id,
            "https://app.example": url,
            "redis://redis:6379/0": redis_server.url,
        }
        first, second = (
            stack.enter_context(container(recipe, tmp_path / f"root{number}", app_port, ours))
            for number, app_port in enumerate(app_ports)
        )
        visitor = stack.enter_context(nginx(tmp_path, port, app_ports))

        assert visitor.visit(url).json() == {"hello": "Alice Berg"}

        assert first.writable_mounts() == set(recipe.limits.tmpfs)
        check = second.run(["fotoweb-middleware", "check"])
        assert check.returncode == 0, check.stdout
        health = second.run([word.replace("8000", str(app_ports[1])) for word in recipe.health_check])
        assert health.returncode == 0, health.stderr
        for path in recipe.probes:
            assert httpx.get(f"http://127.0.0.1:{app_ports[1]}{path}").status_code == 200

        cookie = visitor.cookie_header(url)
        assert first.written_files() == []
        first.stop()
        assert visitor.go(f"{url}/").hops == ((200, f"{url}/"),)
        visitor.submit(visitor.go(f"{url}/oauth2/logout"), "Sign out")

        first.start()
        assert second.written_files() == []
        # Not by way of nginx, which leaves out for ten seconds what it could not reach.
        headers = {"Accept": "application/json", "Host": f"localhost:{port}", "Cookie": cookie}
        assert httpx.get(f"http://127.0.0.1:{app_ports[0]}", headers=headers).status_code == 401

        assert [line for line in first.lines + second.lines if "INFO" not in line] == []
