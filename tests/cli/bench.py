"""Where broken set-ups are built: a simulator that runs, settings that work with it, and an app to deploy."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading
import wsgiref.simple_server
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fotoweb_middleware import FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.testing import FakeFotoWeb
from tests.cli.checks.tls_server import Certificate, make_certificate, serve_tls
from tests.cli.samples import CALLBACK, KEY, Done, run
from tests.cli.visits import Site, Visit, sign_in, visit
from tests.providers.redis_server import RedisServer


@dataclass
class Bench:
    """Where a set-up is built: settings that work with a simulator that runs, to be broken.

    Attributes:
        fotoweb: The simulator.
        folder: An empty one.
        stack: What is to be ended afterwards.
        monkeypatch: For variables, and what can't be made otherwise.
        redis: A real one, where the set-up asks for it.
        shown: What stands in the first line for each name in braces.
        arguments: Of the command.
        wrapper: A command that runs ours; without one it runs in this process.
        go: Starts the app and lets somebody go there, where that is not enough what ``sign_in`` does; returns what
            they see.
    """

    fotoweb: FakeFotoWeb
    folder: Path
    stack: contextlib.ExitStack
    monkeypatch: pytest.MonkeyPatch
    redis: RedisServer | None = None
    shown: dict[str, str] = field(default_factory=lambda: {"callback": CALLBACK})
    arguments: tuple[str, ...] = ("check",)
    wrapper: tuple[str, ...] = ()
    go: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        """Set everything so that it works."""
        client = self.fotoweb.clients[0]
        self.set(
            FOTOWEB_URL=self.stack.enter_context(self.fotoweb.serve()),
            FOTOWEB_CLIENT_ID=client.client_id,
            FOTOWEB_CLIENT_SECRET=client.client_secret,
            FOTOWEB_SECRET_KEY=KEY,
            FOTOWEB_REDIRECT_URI=CALLBACK,
            FOTOWEB_CACHE="memory://",
        )
        self.unset("KUBERNETES_SERVICE_HOST", "NO_PROXY", "no_proxy")

    def set(self, **variables: object) -> None:
        """Set variables."""
        for name, value in variables.items():
            self.monkeypatch.setenv(name, str(value))

    def unset(self, *names: str) -> None:
        """Remove variables."""
        for name in names:
            self.monkeypatch.delenv(name, raising=False)

    def use_certificate(self, **options: Any) -> Certificate:
        """Let FotoWeb be a server with a certificate that is made for it."""
        certificate = make_certificate(self.folder, **options)
        port = self.stack.enter_context(serve_tls(certificate))
        self.shown["fotoweb"] = "localhost"
        self.set(FOTOWEB_URL=f"https://localhost:{port}")
        return certificate

    def use_redis(self, *, credentials: str = "") -> RedisServer:
        """Let the store be the Redis of this test."""
        assert self.redis is not None
        self.shown["redis"] = self.redis.url.removeprefix("redis://").removesuffix("/0")
        self.set(FOTOWEB_CACHE=self.redis.url.replace("//", f"//{credentials}"))
        return self.redis

    def run(self) -> Done:
        """Run the command."""
        if not self.wrapper:
            return run(*self.arguments)
        command = [*self.wrapper, str(Path(sys.executable).with_name("fotoweb-middleware")), *self.arguments]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=plain_environment())
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def visit(self) -> Visit:
        """Start an app with these settings, let somebody go there, and return what became of it."""
        if self.wrapper:
            command = [*self.wrapper, sys.executable, "-m", "tests.cli.visits"]
            ended = subprocess.run(command, capture_output=True, text=True, check=True, env=plain_environment())
            return Visit(*json.loads(ended.stdout))
        return visit(self.go or (lambda: sign_in(Site(), self.fotoweb.approve)))


def plain_environment() -> dict[str, str]:
    """Return the environment without coverage, which can't write its file where no file can be written."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


class _Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def deploy(bench: Bench, *, path: str = "", certificate: Certificate | None = None, **changes: Any) -> str:
    """Serve an app behind the middleware, and return its origin.

    Args:
        bench: Whose settings the app has, but for the redirect URI, which is derived.
        path: What a proxy in front of the app takes away without telling.
        certificate: Of a proxy in front of the app, which ends TLS without telling.
        changes: Of the app's settings.
    """
    bench.unset("FOTOWEB_REDIRECT_URI")
    settings = Settings(**changes)
    app = FotoWebWSGIMiddleware(lambda _, start: start("200 OK", []) and [], settings)

    def proxied(environ: dict[str, Any], start_response: Any) -> Any:
        return app({**environ, "PATH_INFO": environ["PATH_INFO"].removeprefix(path)}, start_response)

    server = wsgiref.simple_server.make_server("localhost", 0, proxied, handler_class=_Quiet)
    bench.stack.callback(server.server_close)
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    bench.stack.callback(thread.join)
    bench.stack.callback(server.shutdown)
    return f"{scheme}://localhost:{server.server_port}"
