"""One journey for every framework on every server: a person's browser at the app, and FotoWeb's simulator."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Origin

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.matrix.pairs import MOUNT, Pair, Place
from tests.providers.certificate import make_certificate, trusting
from tests.providers.nginx import PROXY_DIRECTIVES, listens, run_nginx
from tests.providers.ports import free_port
from tests.servers.journey import check_logout, check_refresh
from tests.servers.launch import CERTIFICATE
from tests.servers.serving import AppServer
from tests.servers.sites import TOKEN_SECONDS, environment, turned_clock
from tests.servers.streams import check_stream_down, check_stream_up
from tests.servers.turned_clock import CLOCK, TurnedClock
from tests.servers.visitor import Visitor

__all__ = ["STEPS", "travel"]

WORD = "blåbær & røm=me"
WEBSOCKET_SECONDS = 30.0
OUTPUT_CHARACTERS = 3000
HTTP = """
    client_max_body_size 16m;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location {mount}/ {{
            proxy_pass http://127.0.0.1:{app_port}{path};
            {directives}
            proxy_buffering off;
            proxy_request_buffering off;
        }}
    }}
"""
"""Streams and large bodies need three lines more than docs/how-to/behind-a-proxy.md has."""


@dataclass(frozen=True, slots=True)
class MatrixSite:
    """An app at the simulator; both go by one clock.

    Attributes:
        url: Where browsers find the app, its mount included.
        fotoweb_url: Where they find FotoWeb.
        clock: Of both.
        certificate: Of the app's server, or of nginx; None: neither speaks TLS.
        server: The app's.
        http_version: What is spoken with the browser.
    """

    url: str
    fotoweb_url: str
    clock: TurnedClock = field(repr=False)
    certificate: Path | None = field(repr=False)
    server: AppServer = field(repr=False)
    http_version: str

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What a client needs to trust it; new each time, for httpx writes into it."""
        return None if self.certificate is None else trusting(self.certificate)

    @property
    def mount(self) -> str:
        """The path below which the app is."""
        return urlsplit(self.url).path

    def accepts(self, access_token: str) -> bool:
        """Return whether FotoWeb's API takes a token."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return httpx.get(f"{self.fotoweb_url}/fotoweb/me", headers=headers, trust_env=False).status_code == 200


# --------------------------------------------------------------------------------------------------------------- steps


def check_login(site: MatrixSite, visitor: Visitor) -> None:
    """Somebody who asks for a page gets there by way of FotoWeb's login, and the app knows who it is."""
    target = f"{site.url}/me?next=%2Fa%20b"
    arrived = visitor.visit(target)
    assert arrived.url == target, arrived.hops
    assert arrived.response.http_version == site.http_version
    seen = arrived.json()
    assert (seen["user"], list(seen["cookies"])) == ("alice", ["fotoweb-tag"]), seen
    assert visitor.cookies.refused == []


def check_token(site: MatrixSite, visitor: Visitor) -> None:
    """The app has the user's token and no other, whatever the client sends; FotoWeb accepts it."""
    seen = visitor.fetch(f"{site.url}/me", headers={"Authorization": "Bearer forged"}).json()
    assert seen["token"] == seen["session_token"]
    assert site.accepts(seen["token"])
    status = visitor.fetch(f"{site.url}/oauth2/session").json()
    assert status["logout_url"] == f"{site.mount}/oauth2/logout", status


def check_expiry(site: MatrixSite, visitor: Visitor) -> None:
    """Once the token has expired, the next request carries a new one."""
    check_refresh(site, visitor, visitor.fetch(f"{site.url}/me").json(), "/me")


def check_down(site: MatrixSite, visitor: Visitor) -> None:
    """A response arrives chunk by chunk."""
    with visitor.script_client(site.url) as client:
        check_stream_down(client)


def check_up(site: MatrixSite, visitor: Visitor) -> None:
    """A request's body arrives piece by piece."""
    with visitor.script_client(site.url) as client:
        check_stream_up(client)


def check_form(site: MatrixSite, visitor: Visitor) -> None:
    """The framework reads a posted form behind the middleware, and a form of another origin is refused."""
    with visitor.script_client(site.url) as client:
        answer = client.post("/form", data={"word": WORD})
        foreign = client.post("/form", data={"word": WORD}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json()) == (200, {"word": WORD}), answer.text
    assert foreign.status_code == 403, foreign.text


def open_websocket(site: MatrixSite, visitor: Visitor) -> connect:
    """Open a WebSocket as a page's script does.

    On asyncio: the blocking client of websockets 17 reads and writes TLS from two threads, and now and then its
    handshake is lost.
    """
    parts = urlsplit(site.url)
    url = parts._replace(scheme="wss" if site.certificate else "ws", path=f"{parts.path}/ws").geturl()
    headers = {"Cookie": visitor.cookie_header(f"{site.url}/ws")}
    origin = Origin(f"{parts.scheme}://{parts.netloc}")
    return connect(url, origin=origin, additional_headers=headers, ssl=site.tls, proxy=None)


def check_websocket(site: MatrixSite, visitor: Visitor) -> None:
    """A WebSocket's handler has the token, and messages pass both ways."""

    async def converse() -> tuple[dict[str, str], str | bytes]:
        async with asyncio.timeout(WEBSOCKET_SECONDS), open_websocket(site, visitor) as socket:
            seen: dict[str, str] = json.loads(await socket.recv())
            await socket.send("hello")
            return seen, await socket.recv()

    seen, answer = asyncio.run(converse())
    assert seen["token"] == seen["session_token"], seen
    assert site.accepts(seen["token"])
    assert answer == "echo hello"


def check_closed_websocket(site: MatrixSite, visitor: Visitor) -> None:
    """An open WebSocket is closed with 4401 when its user signs out."""

    async def sign_out() -> int | None:
        async with asyncio.timeout(WEBSOCKET_SECONDS), open_websocket(site, visitor) as socket:
            await socket.recv()
            out = await asyncio.to_thread(visitor.fetch, f"{site.url}/oauth2/logout", method="POST")
            assert out.status_code == 200, out.text
            await socket.wait_closed()
            return socket.close_code

    visitor.visit(f"{site.url}/me")
    close_code = asyncio.run(sign_out())
    assert close_code == 4401, close_code


Step = Callable[[MatrixSite, Visitor], None]
STEPS: dict[str, Step] = {
    "login": check_login,
    "token": check_token,
    "refresh": check_expiry,
    "streaming down": check_down,
    "streaming up": check_up,
    "form post": check_form,
    "WebSocket": check_websocket,
    "logout": check_logout,
    "WebSocket closed": check_closed_websocket,
}
"""In this order. Without a login there is no other step; else each is tried, whatever became of the one before."""


def travel(pair: Pair, place: Place) -> dict[str, str]:
    """Take the journey, and return why steps failed, and what the server printed; "start": it did not start."""
    failed: dict[str, str] = {}
    server = pair.server
    keeps_connections = server.keeps_connections or place == "nginx"
    try:
        with (
            matrix_site(pair, place) as site,
            Visitor(keeps_connections=keeps_connections, tls=site.tls, http2=server.http2) as visitor,
        ):
            for name, step in STEPS.items():
                if "login" in failed or (name.startswith("WebSocket") and not pair.framework.has_websocket):
                    continue
                if name == "WebSocket closed" and "WebSocket" in failed:
                    continue
                try:
                    step(site, visitor)
                except Exception:  # noqa: BLE001 (the page tells what failed, and how)
                    failed[name] = f"{traceback.format_exc(limit=-1)}\n{site.server.output[-OUTPUT_CHARACTERS:]}"
    except (RuntimeError, AssertionError) as error:  # The server, or nginx, did not start.
        failed["start"] = "\n".join([repr(error), *getattr(error, "__notes__", [])])
    return failed


# --------------------------------------------------------------------------------------------------------------- sites


@contextlib.contextmanager
def matrix_site(pair: Pair, place: Place) -> Iterator[MatrixSite]:
    """Start a server with an app, a simulator, and nginx where the place is behind it."""
    server = pair.server
    with TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        certificate = folder / "certificate.pem"
        make_certificate(certificate)
        speaks_tls = server.http2 and place != "nginx"  # Behind nginx, it is nginx that does.
        running = stack.enter_context(AppServer(server.kind(place), tls=trusting(certificate) if speaks_tls else None))
        clock = stack.enter_context(turned_clock())
        nginx_port = free_port()
        origin = f"https://localhost:{nginx_port}" if place == "nginx" else running.url
        url = origin if place == "root" else f"{origin}{MOUNT}"
        fake = FakeFotoWeb(clients=[Client(redirect_uris=(f"{url}/oauth2/callback",))], clock=clock.wall)
        fake.switch(access_token_lifetime_seconds=TOKEN_SECONDS)
        fotoweb_url = stack.enter_context(fake.serve())
        public = {"redirect_uri": f"{url}/oauth2/callback"} if place == "nginx" else {}
        given = {"app": pair.framework.address, "cache_recheck": "0.5", **public}
        variables = environment(fotoweb_url, fake.client.client_id, fake.client.client_secret, given)
        variables |= {"TEST_FRAMEWORK": pair.framework.name, CLOCK: str(clock.path)}
        variables |= {CERTIFICATE: str(certificate)} if speaks_tls else {}
        variables |= {} if place == "root" else {"TEST_MOUNT": MOUNT}
        variables |= {"SCRIPT_NAME": MOUNT} if place == "nginx" and server.takes_script_name else {}
        running.start(variables)
        if place == "nginx":
            path = "/" if server.is_mounted_by_proxy else ""
            http = HTTP.format(
                port=nginx_port,
                certificate=certificate,
                mount=MOUNT,
                app_port=running.port,
                path=path,
                directives=PROXY_DIRECTIVES,
            )
            stack.enter_context(run_nginx(folder, http, lambda: listens(nginx_port)))
        shown = certificate if speaks_tls or place == "nginx" else None
        yield MatrixSite(url, fotoweb_url, clock, shown, running, "HTTP/2" if server.http2 else "HTTP/1.1")
