"""The recipes for containers, as docs/how-to/deploy-with-docker.md and deploy-on-kubernetes.md show them.

There is neither Docker nor Kubernetes: the pages' steps are done without them. Only hosts and ports are replaced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.deploy.container import Container
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
    if find_nginx() is None:
        pytest.skip("no nginx here: install Debian's nginx")
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Two containers behind nginx.

    Attributes:
        recipe: What each is made of.
        url: Where browsers find them.
        ports: Where each listens.
        containers: They themselves.
        visitor: A browser.
    """

    recipe: Recipe
    url: str
    ports: tuple[int, int]
    containers: tuple[Container, Container]
    visitor: Visitor


@contextlib.contextmanager
def deployed(name: str, folder: Path, redis_server: RedisServer) -> Iterator[Deployment]:
    """Deploy as a page says, with a simulator for FotoWeb."""
    port, ports = free_port(), (free_port(), free_port())
    url = f"https://localhost:{port}"
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(f"{url}/oauth2/callback",))])
    client = fake.client
    if name == "kubernetes":
        typed = {"client_secret": client.client_secret, "secret_key": KEY, "address": redis_server.url}
        recipe = of_kubernetes(folder, typed)
    else:
        recipe = of_compose(folder, client.client_secret, wsgi="gunicorn" in name)
    with fake.serve() as fotoweb_url, nginx(folder.parent, port, ports) as visitor:
        ours = {
            "https://tenant.example": fotoweb_url,
            "my-client-id": client.client_id,
            "https://app.example": url,
            "redis://redis:6379/0": redis_server.url,
        }
        roots = (folder.parent / "root1", folder.parent / "root2")
        with (
            container(recipe, roots[0], ports[0], ours) as first,
            container(recipe, roots[1], ports[1], ours) as second,
        ):
            yield Deployment(recipe, url, ports, (first, second), visitor)


def check_from_inside(deployment: Deployment) -> None:
    """Nothing but the tmpfs is writable, ``check`` is content, and so are the health check and the probes."""
    inside, port = deployment.containers[1], deployment.ports[1]
    assert inside.writable_mounts() == set(deployment.recipe.limits.tmpfs)
    check = inside.run(["fotoweb-middleware", "check"])
    assert check.returncode == 0, check.stdout
    if deployment.recipe.health_check is not None:
        health = inside.run([word.replace("8000", str(port)) for word in deployment.recipe.health_check])
        assert health.returncode == 0, health.stderr
    for path in deployment.recipe.probes:
        assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == 200


@pytest.mark.parametrize("name", ["compose", "compose, gunicorn", "kubernetes"])
def test_sign_in(name: str, folder: Path, redis_server: RedisServer) -> None:
    """Two containers behind nginx share a session and its end; they warn of nothing and write nothing."""
    with deployed(name, folder, redis_server) as deployment:
        visitor, (first, second) = deployment.visitor, deployment.containers

        assert visitor.visit(deployment.url).json() == {"hello": "Alice Berg"}
        check_from_inside(deployment)

        cookie = visitor.cookie_header(deployment.url)
        assert first.written_files() == []
        first.stop()
        assert visitor.go(f"{deployment.url}/").hops == ((200, f"{deployment.url}/"),)
        visitor.submit(visitor.go(f"{deployment.url}/oauth2/logout"), "Sign out")
        assert second.written_files() == []

        first.start()
        # Not by way of nginx, which leaves out for ten seconds what it could not reach.
        headers = {"Accept": "application/json", "Host": deployment.url.removeprefix("https://"), "Cookie": cookie}
        assert httpx.get(f"http://127.0.0.1:{deployment.ports[0]}", headers=headers).status_code == 401

        assert [line for line in first.lines + second.lines if "INFO" not in line] == []
