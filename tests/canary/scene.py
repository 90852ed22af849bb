"""One wrapped app, a FotoWeb on a real port, and a person who goes the whole journey, with an eye on every secret."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio.from_thread

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Settings
from fotoweb_middleware.cookies.content import read_login
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.errors import FotoWebMiddlewareError
from fotoweb_middleware.site import Site
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.behaviour.doors import APP, AsgiDoor, Door, Reply, WsgiDoor
from tests.behaviour.visitors import Visitor
from tests.canary.listening import Told, told
from tests.canary.planted import CLIENT_SECRET, NEWEST_KEY, OLDER_KEY, Planted
from tests.canary.uvicorn_door import served

__all__ = ["QuietApp", "Scene", "opened"]


class QuietApp:
    """An app that says nothing of what it sees, or fails where it is told to."""

    fails = False

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Answer as a WSGI app."""
        self.fail_if_told()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as an ASGI app."""
        self.fail_if_told()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"hello"})

    def fail_if_told(self) -> None:
        """Raise, as apps do."""
        if self.fails:
            raise LookupError("the app failed")


@dataclass
class Scene:
    """What the journey needs, and what it leaves behind.

    Attributes:
        replies: Every answer, with the secrets that it carries legitimately.
        errors: Every error that was raised inside or left the middleware: its words, and its frames with their locals.
    """

    door: Door
    app: QuietApp
    fake: FakeFotoWeb
    clock: FakeClock
    middleware: Any
    planted: Planted = field(default_factory=Planted)
    replies: list[Reply] = field(default_factory=list)
    errors: list[Told] = field(default_factory=list)
    origin: str = APP

    @property
    def refreshes(self) -> int:
        """How often FotoWeb was asked to refresh a token."""
        return self.fake.refresh_count

    @property
    def site(self) -> Site:
        """What the decisions know."""
        found: Site = self.middleware._gate.site
        return found

    def gather(self, visitor: Visitor) -> None:
        """Note every secret that there is by now: those of the browser's cookies and of the sessions in memory."""
        for (name, _), value in visitor.jar.cookies.items():
            self.planted.plant("cookie value", value)
            opened = self.site.sealer.open(value, Purpose.LOGIN, name=name)
            login = read_login(opened.payload) if opened else None
            if login is not None:
                self.planted.plant("state", login.state)
                self.planted.plant("verifier", login.code_verifier)
        for held in list(self.site.near._by_id.values()):
            self.planted.plant("session id", held.record.session_id)
            self.planted.plant("access token", held.record.tokens.access_token)
            self.planted.plant("refresh token", held.record.tokens.refresh_token)

    def note_callback(self, target: str) -> None:
        """Note the code in a callback's address."""
        for code in parse_qs(urlsplit(target).query).get("code", []):
            self.planted.plant("code", code)

    def note_error(self, error: BaseException) -> None:
        """Write an error down."""
        self.errors += told(error)


def watch_effects(scene: Scene) -> None:
    """Write down every error of our own tree that an effect ends in, before a flow makes something of it."""
    driver = scene.middleware._driver
    perform = driver._perform

    def blocking(effect: Any, leases: Any) -> Any:
        try:
            return perform(effect, leases)
        except FotoWebMiddlewareError as error:
            scene.note_error(error)
            raise

    async def awaiting(effect: Any, leases: Any) -> Any:
        try:
            return await perform(effect, leases)
        except FotoWebMiddlewareError as error:
            scene.note_error(error)
            raise

    driver._perform = blocking if isinstance(scene.door, WsgiDoor) else awaiting


@contextlib.contextmanager
def opened(door: str, mode: str, cache: str) -> Iterator[Scene]:
    """Open a scene; calls to FotoWeb go over a real connection, so that every library on the way can say something."""
    clock, app = FakeClock(), QuietApp()
    client = Client(redirect_uris=(f"{APP}/oauth2/callback",), client_secret=CLIENT_SECRET)
    fake = FakeFotoWeb(clients=[client], clock=clock, pause=lambda _seconds: None)
    with (
        fake.serve() as url,
        anyio.from_thread.start_blocking_portal("asyncio", {"debug": True}) as portal,
    ):
        settings = Settings(
            url=url,
            client_id=fake.client.client_id,
            client_secret=CLIENT_SECRET,
            secret_key=f"{NEWEST_KEY},{OLDER_KEY}",
            redirect_uri=f"{APP}/oauth2/callback",
            cookie_mode=mode,
            cache=cache,
            http_timeout=5,
        )
        with wrapped(door, settings, app, clock, portal) as (middleware, way_in):
            scene = Scene(way_in, app, fake, clock, middleware)
            watch_effects(scene)
            yield scene
            opened_cache = middleware._driver._cache
            opened_cache.close() if door == "wsgi" else portal.call(opened_cache.aclose)


@contextlib.contextmanager
def wrapped(
    door: str, settings: Settings, app: QuietApp, clock: FakeClock, portal: anyio.from_thread.BlockingPortal
) -> Iterator[tuple[Any, Door]]:
    """Wrap the app, and give the way in: straight through a door, or over a server with a port."""
    if door == "wsgi":
        wsgi = FotoWebWSGIMiddleware(app.wsgi, settings, clock=clock, monotonic=clock)
        yield wsgi, WsgiDoor(wsgi)
        return
    asgi = FotoWebASGIMiddleware(app.asgi, settings, clock=clock, monotonic=clock)
    if door == "asgi":
        yield asgi, AsgiDoor(asgi, portal)
        return
    with served(asgi, portal) as uvicorn_door:
        yield asgi, uvicorn_door
