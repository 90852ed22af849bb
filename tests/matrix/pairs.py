"""The frameworks and the servers of the matrix: what each is called, and how each server is started."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Literal

from tests.servers.serving import Kind

__all__ = ["FRAMEWORKS", "MOUNT", "PLACES", "SERVERS", "Framework", "Pair", "Place", "Server", "all_pairs", "missing"]

MOUNT = "/sub"
Place = Literal["root", "mounted", "nginx"]
"""Where the app is: at the root; below ``/sub`` of another app; below ``/sub`` behind nginx, which speaks TLS."""
PLACES: tuple[Place, ...] = ("root", "mounted", "nginx")


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework.

    Attributes:
        name: Which app of ``asgi_apps.py`` or ``wsgi_apps.py`` it is.
        title: What people call it.
        interface: "asgi" or "wsgi".
        package: Its distribution; empty: none.
        has_websocket: Whether its app has one.
    """

    name: str
    title: str
    interface: str
    package: str = ""
    has_websocket: bool = False

    @property
    def address(self) -> str:
        """Its app, for ``FOTOWEB_APP``."""
        return f"tests.matrix.{self.interface}_apps:app"


@dataclass(frozen=True, slots=True)
class Server:
    """A server.

    Attributes:
        name: What the runner calls it.
        title: What people call it.
        interface: "asgi" or "wsgi".
        package: Its distribution.
        arguments: Of the Python that runs it; "{app}" stands for the app, "{fd}" and "{port}" as in ``Kind``.
        mount_arguments: Used for the app below a path where the server has an option for it.
        takes_script_name: Whether the environment variable SCRIPT_NAME says the same.
        is_mounted_by_proxy: Whether the proxy takes the path off, as uvicorn wants it.
        http2: Whether it speaks TLS and HTTP/2.
        keeps_connections: False: it may end a connection after an answer, without a word of it.
        needs: Another distribution that it can't do without.
    """

    name: str
    title: str
    interface: str
    package: str
    arguments: tuple[str, ...]
    mount_arguments: tuple[str, ...] = ()
    takes_script_name: bool = False
    is_mounted_by_proxy: bool = False
    http2: bool = False
    keeps_connections: bool = True
    needs: str = ""

    def kind(self, place: Place) -> Kind:
        """Return how it is started for one place."""
        module = (
            f"tests.matrix.mounted_{self.interface}" if self.is_mounted_by_app(place) else "fotoweb_middleware.wrap"
        )
        app = f"{module}:{self.interface}"
        arguments = self.mount_arguments if place == "nginx" and self.mount_arguments else self.arguments
        return Kind(self.name, self.interface, tuple(each.replace("{app}", app) for each in arguments))

    def is_mounted_by_app(self, place: Place) -> bool:
        """Return whether another app has the path, and not the server: cheroot knows no such thing."""
        return place == "mounted" or (place == "nginx" and not self.mount_arguments and not self.takes_script_name)


@dataclass(frozen=True, slots=True)
class Pair:
    """A framework on a server."""

    framework: Framework
    server: Server

    def __str__(self) -> str:
        """Show both."""
        return f"{self.framework.title} on {self.server.title}"


def launched(name: str) -> tuple[str, ...]:
    """Return how ``launch.py`` starts a server."""
    return ("-m", "tests.servers.launch", name, "{fd}", "{app}")


def gunicorn(*more: str) -> tuple[str, ...]:
    """Return how gunicorn is started."""
    return ("-m", "gunicorn", "{app}", "--bind", "fd://{fd}", "--graceful-timeout", "1", "--no-control-socket", *more)


def granian(interface: str, *more: str) -> tuple[str, ...]:
    """Return how Granian is started."""
    return ("-m", "granian", "--interface", interface, "--port", "{port}", *more, "{app}")


DAPHNE = ("-m", "daphne", "--fd", "{fd}", "--access-log", "-")
UWSGI = (
    *("-c", "import sys, pyuwsgi; pyuwsgi.run(sys.argv[1:])", "--http-socket", "127.0.0.1:{port}"),
    *("--master", "--die-on-term", "--need-app", "--enable-threads", "--threads", "4"),
)

FRAMEWORKS = (
    Framework("fastapi", "FastAPI", "asgi", "fastapi", has_websocket=True),
    Framework("starlette", "Starlette", "asgi", "starlette", has_websocket=True),
    Framework("litestar", "Litestar", "asgi", "litestar", has_websocket=True),
    Framework("quart", "Quart", "asgi", "quart", has_websocket=True),
    Framework("django-asgi", "Django (ASGI)", "asgi", "django"),
    Framework("falcon-asgi", "Falcon (ASGI)", "asgi", "falcon", has_websocket=True),
    Framework("plain-asgi", "plain ASGI", "asgi", has_websocket=True),
    Framework("asgi2", "plain ASGI 2", "asgi", has_websocket=True),
    Framework("flask", "Flask", "wsgi", "flask"),
    Framework("django-wsgi", "Django (WSGI)", "wsgi", "django"),
    Framework("bottle", "Bottle", "wsgi", "bottle"),
    Framework("falcon-wsgi", "Falcon (WSGI)", "wsgi", "falcon"),
    Framework("pyramid", "Pyramid", "wsgi", "pyramid"),
    Framework("plain-wsgi", "plain WSGI", "wsgi"),
)

SERVERS = (
    Server(
        "uvicorn",
        "uvicorn",
        "asgi",
        "uvicorn",
        launched("uvicorn-httptools"),
        (*launched("uvicorn-httptools"), MOUNT),
        is_mounted_by_proxy=True,
    ),
    Server(
        "hypercorn",
        "Hypercorn (asyncio)",
        "asgi",
        "hypercorn",
        launched("hypercorn"),
        (*launched("hypercorn"), MOUNT),
    ),
    Server(
        "hypercorn-trio",
        "Hypercorn (trio)",
        "asgi",
        "hypercorn",
        launched("hypercorn-trio"),
        (*launched("hypercorn-trio"), MOUNT),
        needs="trio",
    ),
    Server(
        "hypercorn-http2",
        "Hypercorn (HTTP/2)",
        "asgi",
        "hypercorn",
        launched("hypercorn"),
        (*launched("hypercorn"), MOUNT),
        http2=True,
        keeps_connections=False,
        needs="h2",
    ),
    Server(
        "granian-asgi",
        "Granian (ASGI)",
        "asgi",
        "granian",
        granian("asgi"),
        granian("asgi", "--url-path-prefix", MOUNT),
    ),
    Server("daphne", "Daphne", "asgi", "daphne", (*DAPHNE, "{app}"), (*DAPHNE, "--root-path", MOUNT, "{app}")),
    Server("gunicorn-sync", "gunicorn (sync)", "wsgi", "gunicorn", gunicorn(), takes_script_name=True),
    Server(
        "gunicorn-gthread",
        "gunicorn (gthread)",
        "wsgi",
        "gunicorn",
        gunicorn("--threads", "4"),
        takes_script_name=True,
    ),
    Server(
        "gunicorn-gevent",
        "gunicorn (gevent)",
        "wsgi",
        "gunicorn",
        gunicorn("--worker-class", "gevent"),
        takes_script_name=True,
        needs="gevent",
    ),
    Server("waitress", "waitress", "wsgi", "waitress", launched("waitress"), (*launched("waitress"), MOUNT)),
    Server("cheroot", "Cheroot", "wsgi", "cheroot", ("-m", "cheroot", "{app}", "--bind", "127.0.0.1:{port}")),
    Server(
        "uwsgi",
        "uWSGI",
        "wsgi",
        "pyuwsgi",
        (*UWSGI, "--module", "{app}"),
        (*UWSGI, "--mount", f"{MOUNT}={{app}}", "--manage-script-name"),
        keeps_connections=False,
    ),
    Server(
        "granian-wsgi",
        "Granian (WSGI)",
        "wsgi",
        "granian",
        granian("wsgi", "--blocking-threads", "4"),
        granian("wsgi", "--blocking-threads", "4", "--url-path-prefix", MOUNT),
    ),
)


def all_pairs(names: tuple[str, ...] = ()) -> list[Pair]:
    """Return the pairs; with names of frameworks or servers, those that have all frameworks and servers named.

    Raises:
        ValueError: There is no framework and no server of a name.
    """
    frameworks, servers = {each.name for each in FRAMEWORKS}, {each.name for each in SERVERS}
    unknown = [name for name in names if name not in frameworks | servers]
    if unknown:
        raise ValueError(f"no framework and no server is called {', '.join(unknown)}")
    return [
        Pair(framework, server)
        for framework in FRAMEWORKS
        for server in SERVERS
        if framework.interface == server.interface
        and (framework.name in names or not frameworks.intersection(names))
        and (server.name in names or not servers.intersection(names))
    ]


def missing(pairs: list[Pair]) -> list[str]:
    """Return the distributions that these pairs need and that are not installed; their modules are called the same."""
    packages = {name for pair in pairs for name in (pair.framework.package, pair.server.package, pair.server.needs)}
    return sorted(name for name in packages if name and importlib.util.find_spec(name) is None)
