"""Set-ups that are broken in one way each, and what ``fotoweb-middleware check`` says of them in its first line.

``test_broken_setups.py`` makes each of them and runs the command.

    python -m tests.cli.broken_setups docs/reference/troubleshooting.md

writes the table into that page; a test says when this is due.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fotoweb_middleware.testing import Fault
from tests.cli.bench import Bench, deploy
from tests.cli.checks.tls_server import make_certificate
from tests.providers.ports import free_port
from tests.providers.raw_server import raw_server
from tests.providers.redis_server import admin

SECONDS_OF_SILENCE = "0.3"
NOBODY = 65_534
HEAD = "| what is broken | what `check` says first | exit |\n"
SAMPLES = {
    "callback": "https://app.example/oauth2/callback",
    "file": "/data/sessions.db",
    "folder": "/data",
    "fotoweb": "tenant.example",
    "fotoweb_port": "443",
    "origin": "https://app.example",
    "own_origin": "http://app.example",
    "proxy": "proxy.example:3128",
    "redis": "redis.example:6379",
    "user": "uid 1000",
}
"""What stands in the page for what differs from run to run."""


@dataclass(frozen=True)
class BrokenSetup:
    """One of them.

    Attributes:
        name: What is broken.
        says: The first line of ``check``, with names of ``SAMPLES`` in braces.
        exit_code: 1: no login can work; 2: something to think about.
        prepare: Breaks it.
        needs_redis: Whether it needs a real Redis.
    """

    name: str
    says: str
    exit_code: int
    prepare: Callable[[Bench], None]
    needs_redis: bool = False


SETUPS: list[BrokenSetup] = []


def broken(
    name: str, says: str, *, exit_code: int = 1, needs_redis: bool = False
) -> Callable[[Callable[[Bench], None]], None]:
    """Declare a broken set-up; the function decorated breaks it."""

    def declare(prepare: Callable[[Bench], None]) -> None:
        SETUPS.append(BrokenSetup(name, says, exit_code, prepare, needs_redis))

    return declare


# ----------------------------------------------------------------------------------------------- settings, registration


@broken(
    "a short key",
    "bad   FOTOWEB_SECRET_KEY holds *** (not shown: it is a secret): it is 5 characters long; the minimum is 32.",
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_SECRET_KEY="short")


@broken(
    "wrong client secret",
    "bad   FOTOWEB_CLIENT_SECRET is wrong: the token endpoint refuses it (invalid_client), while the authorize "
    "endpoint knows the client ID.",
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CLIENT_SECRET="planted-wrong")


@broken(
    "wrong client ID",
    "bad   FOTOWEB_CLIENT_ID is wrong: neither the authorize endpoint nor the token endpoint knows it (HTTP 400, "
    "invalid_client).",
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CLIENT_ID="unknown")


@broken(
    "redirect URI not registered",
    "bad   The redirect URI {callback} is not registered with FotoWeb: its authorize endpoint answers HTTP 400, while "
    "it knows the client ID.",
)
def _(bench: Bench) -> None:
    bench.shown["callback"] = "https://app.example/oauth2/callback"
    bench.set(FOTOWEB_REDIRECT_URI=bench.shown["callback"])


@broken("PKCE refused", "bad   FotoWeb refuses PKCE: its authorize endpoint accepts the same request without it.")
def _(bench: Bench) -> None:
    bench.fotoweb.switch(refuse_pkce=True)


@broken(
    "PKCE required, and turned off here",
    "bad   FotoWeb requires PKCE, and FOTOWEB_PKCE=false: its authorize endpoint accepts the same request with PKCE.",
)
def _(bench: Bench) -> None:
    bench.fotoweb.switch(require_pkce=True)
    bench.set(FOTOWEB_PKCE="false")


@broken(
    "a web page in place of the token endpoint",
    "bad   The token endpoint answers with a web page (HTTP 200), not with an OAuth error in JSON: something else "
    "answers in its place.",
)
def _(bench: Bench) -> None:
    bench.fotoweb.fault("token", Fault.replaced(body="<h1>Welcome</h1>", status=200, content_type="text/html"))


# --------------------------------------------------------------------------------------------------- the way to FotoWeb


@broken("FotoWeb refuses connections", "bad   {fotoweb} refuses connections on port {fotoweb_port}.")
def _(bench: Bench) -> None:
    port = free_port()
    bench.shown |= {"fotoweb": "localhost", "fotoweb_port": str(port)}
    bench.set(FOTOWEB_URL=f"http://localhost:{port}")


@broken("FotoWeb is silent", "bad   {fotoweb} took the connection, but did not answer within FOTOWEB_HTTP_TIMEOUT.")
def _(bench: Bench) -> None:
    listener = bench.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    bench.shown["fotoweb"] = "127.0.0.1"
    bench.set(FOTOWEB_URL=f"http://127.0.0.1:{listener.getsockname()[1]}", FOTOWEB_HTTP_TIMEOUT=SECONDS_OF_SILENCE)


@broken(
    "a firewall drops what goes to FotoWeb",
    "bad   No connection to {fotoweb}, port {fotoweb_port}, within FOTOWEB_HTTP_TIMEOUT: nothing answers there.",
)
def _(bench: Bench) -> None:
    listener = bench.stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):  # Once its queue is full, Linux drops what else comes.
        waiting = bench.stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    port = listener.getsockname()[1]
    bench.shown |= {"fotoweb": "127.0.0.1", "fotoweb_port": str(port)}
    bench.set(FOTOWEB_URL=f"http://127.0.0.1:{port}", FOTOWEB_HTTP_TIMEOUT=SECONDS_OF_SILENCE)


@broken("FotoWeb's name is unknown", "bad   The name {fotoweb} can't be found (DNS).")
def _(bench: Bench) -> None:
    bench.shown["fotoweb"] = "nowhere.invalid"
    bench.set(FOTOWEB_URL="https://nowhere.invalid")


@broken(
    "FotoWeb's certificate is from a private authority",
    "bad   The certificate of {fotoweb} is signed by an authority that is unknown here (self-signed certificate).",
)
def _(bench: Bench) -> None:
    bench.use_certificate()


@broken("FotoWeb's certificate has expired", "bad   The certificate of {fotoweb} has expired, by this machine's clock.")
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CA_BUNDLE=bench.use_certificate(days_from_now=(-3, -2)).certificate)


@broken(
    "FotoWeb's certificate is for another host",
    "bad   The certificate of {fotoweb} is not accepted: Hostname mismatch, certificate is not valid for '{fotoweb}'.",
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CA_BUNDLE=bench.use_certificate(host="other.example").certificate)


@broken("a clock that is off by an hour", "warn  FotoWeb's clock is 60 minutes ahead of this machine's.", exit_code=2)
def _(bench: Bench) -> None:
    bench.fotoweb.switch(clock_skew_seconds=3600)


@broken("the system's proxy is down", "bad   The proxy {proxy}, which HTTP_PROXY names, refuses connections.")
def _(bench: Bench) -> None:
    bench.shown["proxy"] = f"127.0.0.1:{free_port()}"
    bench.set(HTTP_PROXY=f"http://user:planted@{bench.shown['proxy']}")


@broken(
    "the system's proxy wants a password",
    "bad   The proxy {proxy}, which HTTPS_PROXY names, wants a user name and a password (HTTP 407).",
)
def _(bench: Bench) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    server = bench.stack.enter_context(raw_server(answer))
    bench.shown["proxy"] = server.url.removeprefix("http://")
    bench.set(HTTPS_PROXY=server.url, FOTOWEB_URL="https://tenant.example")


@broken(
    "the system's proxy refuses FotoWeb's host",
    "bad   The proxy {proxy}, which HTTPS_PROXY names, does not connect to {fotoweb} (HTTP 403).",
)
def _(bench: Bench) -> None:
    server = bench.stack.enter_context(raw_server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    bench.shown |= {"proxy": server.url.removeprefix("http://"), "fotoweb": "tenant.example"}
    bench.set(HTTPS_PROXY=server.url, FOTOWEB_URL="https://tenant.example")


# --------------------------------------------------------------------------------------------------------------- Redis


@broken(
    "Redis is down", "bad   The session store can't be used: Redis at {redis}/0: connection refused.", needs_redis=True
)
def _(bench: Bench) -> None:
    bench.use_redis().stop()


@broken(
    "Redis wants a password",
    "bad   The session store can't be used: Redis at {redis}/0: it refuses the user and password in FOTOWEB_CACHE.",
    needs_redis=True,
)
def _(bench: Bench) -> None:
    with admin(bench.use_redis().url) as client:
        client.config_set("requirepass", "right")


@broken(
    "Redis is full",
    "bad   The session store can't be used: Redis at {redis}/0: its memory is full (maxmemory).",
    needs_redis=True,
)
def _(bench: Bench) -> None:
    with admin(bench.use_redis().url) as client:
        client.config_set("maxmemory", 1)


@broken(
    "Redis is a replica",
    "bad   The session store can't be used: Redis at {redis}/0: it is a read-only replica.",
    needs_redis=True,
)
def _(bench: Bench) -> None:
    with admin(bench.use_redis().url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", free_port())


@broken(
    "Redis's user has not all the rights",
    "bad   The session store can't be used: Redis at {redis}/0: its user lacks a permission (ACL).",
    needs_redis=True,
)
def _(bench: Bench) -> None:
    with admin(bench.use_redis(credentials="app:right@").url) as client:
        client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">right", "~fotoweb:*", "+get", "+select")


# ---------------------------------------------------------------------------------------------------- files and folders


@broken(
    "the store's folder can't be written to",
    "bad   The session store's file {file} can't be used: this user ({user}) may not write to {folder}.",
)
def _(bench: Bench) -> None:
    folder = Path(bench.stack.enter_context(tempfile.TemporaryDirectory()))  # pytest's are closed to other users.
    folder.chmod(0o555)
    bench.stack.callback(folder.chmod, 0o700)
    if os.geteuid() == 0:  # Root may write everywhere.
        bench.run()  # Imports everything: Python itself may lie where nobody else may read.
        bench.stack.callback(os.seteuid, 0)
        os.seteuid(NOBODY)
    bench.shown |= {"file": f"{folder}/sessions.db", "folder": str(folder), "user": f"uid {os.geteuid()}"}
    bench.set(FOTOWEB_CACHE=f"sqlite:///{folder}/sessions.db")


FULL_DISK = ("unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=8k none "$0" && exec "$@"')


@broken(
    "the store's disk is full", "bad   The session store's file {file} can't be used: the disk of {folder} is full."
)
def _(bench: Bench) -> None:
    wrapper = (*FULL_DISK, str(bench.folder))
    bench.shown |= {"file": f"{bench.folder}/sessions.db", "folder": str(bench.folder)}
    bench.set(FOTOWEB_CACHE=f"sqlite:///{bench.folder}/sessions.db")
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode == 0:
            bench.wrapper = wrapper
            return
    open_as_it_is = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if str(path).startswith(str(bench.folder)) and str(path) != str(bench.folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return open_as_it_is(path, *arguments, **options)

    bench.monkeypatch.setattr(os, "open", refuse)  # No file system can be made here: it looks so.


@broken(
    "no temporary folder for `local://`, and no home",
    "warn  The session store local:// has no place for its file (no temporary folder can be written to, and there is "
    "no home): each process keeps its sessions and logouts to itself.",
    exit_code=2,
)
def _(bench: Bench) -> None:
    bench.unset("XDG_RUNTIME_DIR", "XDG_STATE_HOME")
    bench.set(FOTOWEB_CACHE="local://", HOME="/nowhere", PYTHONDONTWRITEBYTECODE="1")
    bench.wrapper = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")


@broken(
    "`local://` in several containers",
    "warn  The session store is local:// in a Kubernetes pod: pods don't see each other's logouts and refreshes.",
    exit_code=2,
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CACHE="local://", XDG_RUNTIME_DIR=bench.folder, KUBERNETES_SERVICE_HOST="10.0.0.1")


# ----------------------------------------------------------------------------------------------------- the deployed app


@broken(
    "the app is not told of its sub-path (`check --url {origin}/sub/`)",
    "bad   The app is not told of its sub-path /sub: its redirect URI is {origin}/oauth2/callback.",
)
def _(bench: Bench) -> None:
    bench.shown["origin"] = origin = deploy(bench, path="/sub")
    bench.arguments = ("check", "--url", f"{origin}/sub/")


@broken(
    "the app is not told that TLS ends at its proxy (`check --url {origin}/`)",
    "bad   The app believes that it is served over http: its redirect URI is {own_origin}/oauth2/callback, and TLS "
    "ends at a proxy in front of it.",
)
def _(bench: Bench) -> None:
    certificate = make_certificate(bench.folder)
    origin = deploy(bench, certificate=certificate)
    bench.shown |= {"origin": origin, "own_origin": origin.replace("https:", "http:")}
    bench.set(SSL_CERT_FILE=certificate.certificate)
    bench.arguments = ("check", "--url", f"{origin}/")


# ------------------------------------------------------------------------------------------------------------- the page


def with_table(page: str) -> str:
    """Return the page with the table of all set-ups at its end."""
    rows = [f"| {setup.name} | `{setup.says.format(**SAMPLES)}` | {setup.exit_code} |\n" for setup in SETUPS]
    return (
        page.partition(HEAD)[0] + HEAD + "| --- | --- | --- |\n" + "".join(rows).replace("{origin}", SAMPLES["origin"])
    )


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
